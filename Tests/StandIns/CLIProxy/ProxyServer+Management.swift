// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import StandInHTTP
internal import SystemIO
internal import YAMLSyntax

extension ProxyServer {
    func manage(_ request: StandInRequest) async -> StandInResponse {
        guard access.isEnabled(config) else {
            return plan.release == .legacy ? Self.notFound : StandInResponse(status: 404)
        }
        let path = String(request.path.dropFirst("/v0/management/".count))
        let isOpen = path == "oauth-callback" && !plan.release.oauthCallbackNeedsKey
        var response: StandInResponse
        if !isOpen, let refusal = access.refusal(for: request, config: config, now: clock.now) {
            response = Self.failure(refusal.message, status: refusal.status)
        } else {
            response = await managed(request, path)
        }
        response.headers += [
            ("X-CPA-VERSION", plan.release.version), ("X-CPA-COMMIT", plan.release.commit),
            ("X-CPA-BUILD-DATE", plan.release.buildDate),
        ]
        return response
    }

    static func failure(_ message: String, status: Int) -> StandInResponse {
        .json(["error": .string(message)], status: status)
    }

    private func managed(_ request: StandInRequest, _ path: String) async -> StandInResponse {
        let isLegacy = plan.release == .legacy
        switch (request.method, path) {
        case ("GET", "codex-auth-url"): return await startCodexLogin(request)
        case ("GET", "github-auth-url") where isLegacy: return startCopilotLogin()
        case ("GET", "kiro-auth-url") where isLegacy: return startKiroLogin(request)
        case ("GET", "get-auth-status"): return loginStatus(request)
        case ("POST", "oauth-callback"): return storeCallback(request)
        case ("GET", "oauth-callback") where !isLegacy: return storeCallback(request)
        case ("DELETE", "oauth-session") where !isLegacy:
            return sessions.remove(request.parameter("state") ?? "")
                ? .json(["status": "ok"]) : Self.failure("unknown or expired state", status: 404)
        case (_, let path) where path.hasPrefix("auth-files"): return authFiles(request, path)
        default: return settings(request, path)
        }
    }

    private func settings(_ request: StandInRequest, _ path: String) -> StandInResponse {
        switch (request.method, path) {
        case ("GET", "config"): return .json(config.json)
        case ("GET", "config.yaml"):
            let bytes = (try? FileSystem.read(configPath, limit: 4 << 20)) ?? []
            return .bytes(bytes, type: "application/yaml; charset=utf-8")
        case ("PUT", "config.yaml"): return replaceConfig(request.body)
        case ("GET", "api-keys"): return .json(["api-keys": .array(config.apiKeys.map(JSONValue.string))])
        case ("PUT", "api-keys"):
            guard let keys = request.json?.arrayValue ?? request.json?["items"]?.arrayValue else {
                return Self.failure("invalid body", status: 400)
            }
            return change(["api-keys"], to: .sequence(keys.compactMap(\.stringValue).map(YAMLNode.string)))
        case ("GET", "latest-version"):
            return plan.release == .legacy
                ? .json(["error": "unexpected_status", "message": "github API returned 404"], status: 502)
                : .json(["latest-version": "v7.2.140"])
        case ("GET", "logs"): return .json(["lines": [], "line-count": 0, "latest-timestamp": 0])
        case ("GET", "usage") where plan.release == .legacy:
            return .json(["usage": ["total_requests": 0, "apis": [:]], "failed_requests": 0])
        case ("GET", "usage-queue") where plan.release == .current: return .json([])
        case ("GET", "debug"): return .json(["debug": .bool(config.debug)])
        case ("PUT", "debug"), ("PUT", "request-log"), ("PUT", "logging-to-file"), ("PUT", "usage-statistics-enabled"):
            guard let flag = request.json?["value"]?.boolValue else { return Self.failure("invalid body", status: 400) }
            return change([path], to: .plain(flag ? "true" : "false"))
        default: return plan.release == .legacy ? Self.notFound : StandInResponse(status: 404)
        }
    }

    private func replaceConfig(_ body: [UInt8]) -> StandInResponse {
        guard let root = try? YAMLParser.parse(body, name: "config.yaml"), root.entries?.isEmpty == false else {
            return .json(["error": "invalid_yaml", "message": "cannot parse the body"], status: 400)
        }
        guard (try? ServerConfig(body)) != nil else {
            return .json(["error": "invalid_config", "message": "cannot use the body"], status: 422)
        }
        do {
            try ServerConfig.writeInPlace(body, to: configPath)
        } catch {
            return .json(["error": "write_failed", "message": .string(ErrorWords.of(error))], status: 500)
        }
        reload()
        return .json(["ok": true, "changed": ["config"]])
    }

    private func change(_ path: [String], to value: YAMLNode) -> StandInResponse {
        config.set(path, to: value)
        do {
            try ServerConfig.writeInPlace(YAMLWriter.bytes(of: config.root), to: configPath)
        } catch {
            return Self.failure("failed to save config", status: 500)
        }
        reload()
        return .json(["status": "ok"])
    }
}
