// SPDX-License-Identifier: MIT

internal import JSONSyntax
package import SystemIO

/// Which credentials are there at one moment, as the server lists them and as the folder holds them.
///
/// A login has succeeded when a later snapshot has an entry that the earlier one had not: the server's own "ok" is
/// also said of attempts that it has forgotten. An entry that has only changed may have been renewed or touched.
package struct CredentialSnapshot: Equatable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let name: String
        package let provider: String
        /// Changes with the tokens, or with what the server tells of them.
        let fingerprint: String
        /// When the owner last proved who he is, as the tokens tell: a login moves it, a renewal does not.
        package var authenticated: Timestamp?
        /// Whether the server renews the tokens by itself; other tokens of the rest are another login.
        package var isRenewable: Bool

        package init(
            name: String, provider: String, fingerprint: String, authenticated: Timestamp? = nil,
            isRenewable: Bool = true
        ) {
            self.name = name
            self.provider = provider
            self.fingerprint = fingerprint
            self.authenticated = authenticated
            self.isRenewable = isRenewable
        }

        /// Whether this is what a later login of the same account left, and not a renewal of `earlier`.
        fileprivate func isLogin(after earlier: Entry) -> Bool {
            if !isRenewable, !earlier.isRenewable { return true }
            guard let authenticated, let before = earlier.authenticated else { return false }
            return authenticated > before
        }
    }

    /// nil: the server could not be asked.
    package var listed: Set<Entry>?
    /// nil: the folder is not known, as for a server on another machine.
    package var stored: Set<Entry>?

    package init(listed: Set<Entry>? = nil, stored: Set<Entry>? = nil) {
        self.listed = listed
        self.stored = stored
    }

    /// A credential of `provider` that a login since `earlier` has left; the folder's own evidence is preferred.
    ///
    /// - Parameter isAttested: a login is known to have taken place, so that a changed credential is its work.
    package func addition(
        since earlier: CredentialSnapshot, provider: LoginProvider, isAttested: Bool
    ) -> Entry? {
        // What either of them knew is not new, even when the other learns of it only now.
        let known = Set((earlier.stored ?? []).map(\.name) + (earlier.listed ?? []).map(\.name))
        func found(_ now: Set<Entry>?, _ before: Set<Entry>?) -> Entry? {
            guard let now, let before else { return nil }
            let changed = now.subtracting(before).filter { entry in
                guard provider.matches(type: entry.provider) else { return false }
                guard known.contains(entry.name) else { return true }
                guard let old = before.first(where: { $0.name == entry.name }) else { return false }
                return old.fingerprint != entry.fingerprint && (isAttested || entry.isLogin(after: old))
            }
            return changed.min { $0.name < $1.name }
        }
        return found(stored, earlier.stored) ?? found(listed, earlier.listed)
    }
}

extension CredentialSnapshot {
    /// Reads the answer of `auth-files`.
    static func entries(ofList json: JSONValue) -> Set<Entry>? {
        guard let files = json["files"]?.arrayValue else { return nil }
        return Set(
            files.compactMap { file in
                guard let name = file["name"]?.stringValue ?? file["id"]?.stringValue, isPlain(name) else { return nil }
                // `updated_at` moves with every look at the credential, `modtime` with every touch of its file.
                let marks =
                    file["last_refresh"].map { [$0] } ?? [file["size"], file["modtime"]].compactMap { $0 }
                return Entry(
                    name: name, provider: file["type"]?.stringValue ?? file["provider"]?.stringValue ?? "",
                    fingerprint: marks.map { JSONWriter.text(of: $0) }.joined(separator: " "))
            })
    }

    /// A path below the folder: what comes of a login is closed to others by this name.
    private static func isPlain(_ name: String) -> Bool {
        !name.isEmpty
            && name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
                part != "" && part != "." && part != ".." && part.unicodeScalars.allSatisfy { $0.value >= 0x20 }
            }
    }

    /// Looks at the files of `folder`. Half-written ones have a name only: whole a moment later, they are not new.
    static func entries(ofFolder folder: String) -> Set<Entry>? {
        guard let files = try? CredentialStore(folder: folder).files() else { return nil }
        return Set(
            files.map { file in
                guard case .success(let object) = CredentialStore.load(file.path) else {
                    return Entry(name: file.name, provider: "", fingerprint: "")
                }
                return Entry(name: file.name, object: object)
            })
    }
}

extension CredentialSnapshot.Entry {
    /// What a credential file says of itself; its tokens go into a number that means nothing outside this process.
    fileprivate init(name: String, object: JSONObject) {
        let tokens = ["access_token", "refresh_token"].map { object[$0]?.stringValue ?? "" }
        var hasher = Hasher()
        hasher.combine(tokens[0].isEmpty ? [JSONWriter.text(of: .object(object))] : tokens)
        let provider = object["type"]?.stringValue ?? ""
        let identity = object["id_token"]?.stringValue ?? object["access_token"]?.stringValue
        self.init(
            name: name, provider: provider, fingerprint: String(hasher.finalize()),
            authenticated: identity.flatMap(JSONWebToken.init)?.authenticated,
            isRenewable: provider != "github-copilot" || !tokens[1].isEmpty)
    }
}

/// Whose accounts are logged in.
package enum LoginProvider: Equatable, Sendable {
    case codex
    case copilot
    /// One that the config's `oauth` section names.
    case other(String)

    package init(_ word: String) {
        switch word {
        case "codex", "openai": self = .codex
        case "copilot", "github-copilot", "github": self = .copilot
        default: self = .other(word)
        }
    }

    package var word: String {
        switch self {
        case .codex: "codex"
        case .copilot: "copilot"
        case .other(let word): word
        }
    }

    /// Whether a credential file of this `type` is one of the provider's.
    func matches(type: String) -> Bool {
        switch self {
        case .codex: type == "codex"
        case .copilot: type == "github-copilot"
        case .other("anthropic"): type == "claude"
        case .other("gemini"), .other("gemini-cli"): type == "gemini" || type == "gemini-cli"
        case .other(let word): type == word
        }
    }
}
