// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import SystemIO

/// Which credentials are there at one moment, as the server lists them and as the folder holds them.
///
/// A login has succeeded when a later snapshot has an entry that the earlier one had not: the server's own "ok" is
/// also said of attempts that it has forgotten.
package struct CredentialSnapshot: Equatable, Sendable {
    package struct Entry: Hashable, Sendable {
        package let name: String
        package let provider: String
        /// Changes with the content.
        let fingerprint: String

        package init(name: String, provider: String, fingerprint: String) {
            self.name = name
            self.provider = provider
            self.fingerprint = fingerprint
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

    /// A credential of `provider` that came or changed since `earlier`; the folder's own evidence is preferred.
    package func addition(since earlier: CredentialSnapshot, provider: LoginProvider) -> Entry? {
        func found(_ now: Set<Entry>?, _ before: Set<Entry>?) -> Entry? {
            guard let now, let before else { return nil }
            return now.subtracting(before).filter { provider.matches(type: $0.provider) }.min { $0.name < $1.name }
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
                guard let name = file["name"]?.stringValue ?? file["id"]?.stringValue else { return nil }
                let marks = ["size", "modtime", "updated_at", "last_refresh"].map { key in
                    file[key].map { JSONWriter.text(of: $0) } ?? ""
                }
                return Entry(
                    name: name, provider: file["type"]?.stringValue ?? file["provider"]?.stringValue ?? "",
                    fingerprint: marks.joined(separator: " "))
            })
    }

    /// Looks at the whole files of `folder`; half-written ones are not there yet.
    static func entries(ofFolder folder: String) -> Set<Entry>? {
        guard let files = try? CredentialStore(folder: folder).files() else { return nil }
        return Set(
            files.compactMap { file in
                guard case .success(let object) = CredentialStore.load(file.path) else { return nil }
                return Entry(
                    name: file.name, provider: object["type"]?.stringValue ?? "",
                    fingerprint: "\(file.status.inode) \(file.status.sizeBytes) \(file.status.modifiedNanoseconds)")
            })
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
