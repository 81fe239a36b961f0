// SPDX-License-Identifier: MIT

internal import Crypto
internal import JSONSyntax
internal import SystemIO

/// One `*.json` of the auth folder.
struct CredentialFile: Sendable {
    /// The path relative to the auth folder: the credential's id.
    let name: String
    let path: String
    let sizeBytes: Int
    let modifiedNanoseconds: Int64
    var object: JSONObject

    var provider: String { object["type"]?.stringValue ?? "" }
    var email: String? { object["email"]?.stringValue }
    var isDisabled: Bool { object["disabled"]?.boolValue ?? false }
    var label: String { email ?? object["username"]?.stringValue ?? provider }

    /// The models that a credential of this provider makes available.
    var models: [String] {
        switch provider {
        case "codex": ["gpt-5", "gpt-5-codex", "gpt-5-codex-mini", "gpt-5.1", "gpt-5.1-codex"]
        case "github-copilot": ["gpt-4o", "gpt-4.1", "claude-sonnet-4"]
        case "claude": ["claude-sonnet-4-5", "claude-opus-4-5"]
        default: ["\(provider)-model"]
        }
    }

    /// What the server needs to send a request with it.
    var isUsable: Bool { object["access_token"]?.stringValue?.isEmpty == false }

    /// When the token must be renewed, as the server decides it.
    func isRefreshDue(at now: Timestamp) -> Bool {
        guard provider == "codex", object["refresh_token"]?.stringValue?.isEmpty == false else { return false }
        let lead: Int64 = 5 * 86_400 * 1_000_000_000
        if let text = object["expired"]?.stringValue, let expiry = DateText.parse(text) {
            return expiry.nanoseconds - now.nanoseconds <= lead
        }
        if let text = object["last_refresh"]?.stringValue, let last = DateText.parse(text) {
            return now.nanoseconds - last.nanoseconds >= lead
        }
        return true
    }

    static func codex(_ plan: FaultPlan, at now: Timestamp) -> (name: String, object: JSONObject) {
        let issued = Int(now.nanoseconds / 1_000_000_000)
        let account = "acct-" + plan.account.prefix { $0 != "@" }
        let object: JSONObject = [
            "type": "codex",
            "access_token": .string(TokenMaker.accessToken(account: account, plan: plan.plan, issued: issued)),
            "refresh_token": .string(TokenMaker.opaque("rt_")),
            "id_token": .string(
                TokenMaker.identityToken(email: plan.account, account: account, plan: plan.plan, issued: issued)),
            "account_id": .string(account),
            "email": .string(plan.account),
            "last_refresh": .string(DateText.text(now)),
            "expired": .string(DateText.text(Timestamp(nanoseconds: now.nanoseconds + 864_000 * 1_000_000_000))),
        ]
        let slug = String(plan.plan.lowercased().map { $0.isLetter || $0.isNumber ? $0 : "-" })
        let digest = SHA256.hash(data: Array(account.utf8)).prefix(4)
        let hash = digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        switch plan.release {
        case .legacy:
            let name = slug == "team" ? "codex-\(hash)-\(plan.account)-team.json" : "codex-\(plan.account)-\(slug).json"
            return (name, object)
        case .current: return ("codex-\(hash)-\(plan.account)-\(slug).json", object)
        }
    }

    /// `managed`: through the management API, which names the file differently.
    static func copilot(_ plan: FaultPlan, managed: Bool) -> (name: String, object: JSONObject) {
        let object: JSONObject = [
            "type": "github-copilot", "access_token": .string(TokenMaker.opaque("gho_")), "token_type": "bearer",
            "scope": "user:email", "username": .string(plan.userName),
        ]
        return ("\(managed ? "github" : "github-copilot")-\(plan.userName).json", object)
    }

    /// Writes as the server does: not atomically, with whatever mode the umask leaves.
    static func save(_ object: JSONObject, to path: String, mode: UInt32 = 0o666) throws {
        let descriptor = try OwnedDescriptor.open(path, [.writeOnly, .create, .truncate], mode: mode)
        try descriptor.writeAll(JSONWriter.bytes(of: .object(object)), path: path)
    }

    /// The credentials below `folder`, all levels; files that are no credential are skipped.
    static func load(from folder: String, prefix: String = "") -> [CredentialFile] {
        let names = (try? FileSystem.list(folder)) ?? []
        return names.flatMap { name -> [CredentialFile] in
            let path = folder + "/" + name
            guard let status = try? FileSystem.status(path) else { return [] }
            if status.kind == .directory { return load(from: path, prefix: prefix + name + "/") }
            guard name.hasSuffix(".json"), status.kind == .regular, status.sizeBytes > 0,
                let bytes = try? FileSystem.read(path, limit: 1 << 20), let value = try? JSONParser.parse(bytes),
                let object = value.objectValue, object["type"]?.stringValue?.isEmpty == false
            else { return [] }
            return [
                CredentialFile(
                    name: prefix + name, path: path, sizeBytes: status.sizeBytes,
                    modifiedNanoseconds: status.modifiedNanoseconds, object: object)
            ]
        }
    }
}
