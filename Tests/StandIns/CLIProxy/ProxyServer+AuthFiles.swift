// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import StandInHTTP
internal import SystemIO

extension ProxyServer {
    func authFiles(_ request: StandInRequest, _ path: String) -> StandInResponse {
        loadCredentials()
        switch (request.method, path) {
        case ("GET", "auth-files"): return .json(["files": .array(credentials.map(entry))])
        case ("GET", "auth-files/models"):
            let found = credentials.first { $0.name == request.parameter("name") }
            let models = (found?.models ?? []).map { JSONValue.object(["id": .string($0), "owned_by": "stand-in"]) }
            return .json(["models": .array(models)])
        case ("GET", "auth-files/download"): return download(request.parameter("name") ?? "")
        case ("POST", "auth-files"): return upload(request)
        case ("DELETE", "auth-files"): return delete(request)
        case ("PATCH", "auth-files/status"): return setStatus(request)
        default: return plan.release == .legacy ? Self.notFound : StandInResponse(status: 404)
        }
    }

    private func entry(_ credential: CredentialFile) -> JSONValue {
        let condition = conditions[credential.name]
        let status = credential.isDisabled ? "disabled" : condition?.status ?? "active"
        var object: JSONObject = [
            "id": .string(credential.name), "auth_index": .string(String(credential.name.utf8.count, radix: 16)),
            "name": .string(credential.name), "type": .string(credential.provider),
            "provider": .string(credential.provider), "label": .string(credential.label), "status": .string(status),
            "status_message": .string(condition?.message ?? ""), "disabled": .bool(credential.isDisabled),
            "unavailable": .bool(status == "error"), "runtime_only": false, "source": "file",
            "size": .integer(credential.sizeBytes), "path": .string(credential.path),
            "modtime": .string(DateText.text(Timestamp(nanoseconds: credential.modifiedNanoseconds))),
        ]
        object["email"] = credential.object["email"]
        object["last_refresh"] = credential.object["last_refresh"]
        object["account_type"] = "oauth"
        object["account"] = .string(credential.label)
        if let token = credential.object["id_token"]?.stringValue,
            let claims = TokenMaker.claims(of: token)?[TokenMaker.authClaim]
        {
            object["id_token"] = [
                "chatgpt_account_id": claims["chatgpt_account_id"] ?? .null,
                "plan_type": claims["chatgpt_plan_type"] ?? .null,
            ]
        }
        if plan.release == .current {
            object["success"] = 0
            object["failed"] = 0
        }
        return .object(object)
    }

    private static func isPlainName(_ name: String) -> Bool {
        !name.isEmpty && !name.contains("/") && !name.contains("\\") && name != "." && name != ".."
    }

    private func download(_ name: String) -> StandInResponse {
        guard Self.isPlainName(name) else { return Self.failure("invalid name", status: 400) }
        guard name.hasSuffix(".json") else { return Self.failure("name must end with .json", status: 400) }
        guard let bytes = try? FileSystem.read(authDirectory + "/" + name, limit: 1 << 20) else {
            return Self.failure("file not found", status: 404)
        }
        return .bytes(bytes, type: "application/json")
    }

    /// The raw form only names its file in the query; the multipart form names it in the part.
    private func upload(_ request: StandInRequest) -> StandInResponse {
        var name = request.parameter("name") ?? ""
        var body = request.body
        if request.header("Content-Type")?.hasPrefix("multipart/form-data") == true {
            let text = String(decoding: request.body, as: UTF8.self)
            guard let mark = text.firstRange(of: "filename=\""), let head = text.firstRange(of: "\r\n\r\n"),
                let end = text.ranges(of: "\r\n--").last
            else { return Self.failure("invalid body", status: 400) }
            name = String(text[mark.upperBound...].prefix { $0 != "\"" })
            body = Array(text[head.upperBound..<end.lowerBound].utf8)
        }
        guard Self.isPlainName(name) else { return Self.failure("invalid name", status: 400) }
        guard name.hasSuffix(".json") else { return Self.failure("name must end with .json", status: 400) }
        guard let object = (try? JSONParser.parse(body))?.objectValue else {
            return Self.failure("invalid auth file", status: 400)
        }
        do {
            try CredentialFile.save(object, to: authDirectory + "/" + name, mode: 0o600)
        } catch {
            return Self.failure("failed to write file: \(ErrorWords.of(error))", status: 500)
        }
        return .json(["status": "ok"])
    }

    private func delete(_ request: StandInRequest) -> StandInResponse {
        if request.parameter("all") == "true" {
            let removed = credentials.filter { (try? FileSystem.remove($0.path)) != nil }
            return .json(["status": "ok", "deleted": .integer(removed.count)])
        }
        let name = request.parameter("name") ?? ""
        guard Self.isPlainName(name) else { return Self.failure("invalid name", status: 400) }
        guard let found = credentials.first(where: { $0.name == name }) else {
            return Self.failure("file not found", status: 404)
        }
        try? FileSystem.remove(found.path)
        return .json(["status": "ok"])
    }

    private func setStatus(_ request: StandInRequest) -> StandInResponse {
        guard let name = request.json?["name"]?.stringValue, let disabled = request.json?["disabled"]?.boolValue else {
            return Self.failure("invalid request body", status: 400)
        }
        guard var found = credentials.first(where: { $0.name == name }) else {
            return Self.failure("auth file not found", status: 404)
        }
        found.object["disabled"] = .bool(disabled)
        try? CredentialFile.save(found.object, to: found.path, mode: 0o600)
        return .json(["status": "ok", "disabled": .bool(disabled)])
    }
}
