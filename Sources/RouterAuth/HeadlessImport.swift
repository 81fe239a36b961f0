// SPDX-License-Identifier: MIT

package import Diagnostics
internal import JSONSyntax
package import SystemIO
internal import Transfer

/// Takes over a login of the Codex CLI for the server.
package struct HeadlessImport: Sendable {
    /// What was done, and what the operator should know about it.
    package struct Outcome: Equatable, Sendable {
        package enum Change: String, Sendable {
            case created, updated, unchanged
        }

        package let path: String
        package let change: Change
        package let credential: CodexCredential
        package let warnings: [Diagnostic]
    }

    private let source: String
    private let destination: String

    /// - Parameters:
    ///   - source: the Codex CLI's file, usually `~/.codex/auth.json`.
    ///   - destination: the server's auth folder; made with mode 0700 when it is missing.
    package init(source: String, destination: String) {
        self.source = source
        self.destination = destination
    }

    private static let sizeLimitBytes = 1 << 20
    private static let lockName = ".llm-router.lock"
    /// An import takes milliseconds.
    private static let lockLimit = Duration.seconds(5)

    /// Reads, checks and writes. The destination has the old file, or the new one, never a part.
    ///
    /// - Parameter completing: runs the writing; whoever calls the import off meanwhile waits for its end.
    package func run(
        now: Timestamp, completing: (() throws -> Outcome) throws -> Outcome = { try $0() }
    ) throws -> Outcome {
        let credential = try CodexCredential(codexFile: readSource(), path: source, now: now)
        try prepareFolder()
        let lock = try takeLock()
        defer { withExtendedLifetime(lock) {} }
        return try completing {
            removeLeftovers()
            let (path, existing) = try target(for: credential)
            var warnings = folderWarnings() + Self.warnings(about: credential, now: now)
            let change = try write(credential, to: path, over: existing)
            if change == .unchanged { warnings.removeAll { $0.code == "auth/shared-login" } }
            return Outcome(path: path, change: change, credential: credential, warnings: warnings)
        }
    }

    private func prepareFolder() throws(AuthError) {
        do throws(SystemError) {
            // A folder of another name may be shared, and a link leads to somebody else's: the credential's own mode keeps
            // it private there.
            let isLink = try FileSystem.status(destination, followingLinks: false)?.kind == .symbolicLink
            let isOurs = PathName.last(of: destination) == "auths" && !isLink
            try isOurs ? PrivateDirectory.claim(destination) : PrivateDirectory.create(destination)
        } catch {
            throw .system(error)
        }
    }

    private func readSource() throws(AuthError) -> [UInt8] {
        do throws(SystemError) {
            return try FileSystem.read(source, limit: Self.sizeLimitBytes)
        } catch {
            throw error.isNotFound ? .sourceMissing(path: source) : .system(error)
        }
    }

    private func takeLock() throws(AuthError) -> FileLock {
        let path = destination + "/" + Self.lockName
        do throws(SystemError) {
            if let lock = try FileLock.acquire(path, within: Self.lockLimit) { return lock }
        } catch {
            throw .system(error)
        }
        throw .destinationBusy(lock: path, waited: Self.lockLimit)
    }

    /// Others who may change what lies in the folder: their own login could take this one's place.
    private func folderWarnings() -> [Diagnostic] {
        guard let status = try? FileSystem.status(destination),
            status.owner != ProcessControl.currentUser || status.mode & 0o022 != 0
        else { return [] }
        return [
            Diagnostic(
                "auth/shared-folder", "others can change files in `\(destination)`", severity: .warning,
                hints: ["ls -ld '\(destination)'; chmod 700 '\(destination)'"])
        ]
    }

    /// Temporary files of imports that were killed; the lock is held, so none is in use.
    private func removeLeftovers() {
        let names = (try? FileSystem.list(destination)) ?? []
        for name in names where name.hasPrefix(".codex-") && name.hasSuffix(AtomicFile.temporarySuffix) {
            try? FileSystem.remove(destination + "/" + name)
        }
    }

    /// Where the login goes: over the file that holds this account already, else to a name that is free.
    private func target(
        for credential: CodexCredential
    ) throws(AuthError) -> (path: String, existing: JSONObject?) {
        var newest: (path: String, object: JSONObject, moment: Timestamp)?
        for file in try CredentialStore(folder: destination).files() {
            guard case .success(let object) = CredentialStore.load(file.path), object["type"]?.stringValue == "codex"
            else { continue }
            let holder = Holder(of: object)
            guard holder.accountID == credential.accountID, holder.canBe(credential.email) else { continue }
            let moment = holder.lastRefresh ?? Timestamp(nanoseconds: file.status.modifiedNanoseconds)
            if newest == nil || newest?.moment ?? moment < moment { newest = (file.path, object, moment) }
        }
        if let newest {
            // The file keeps whole seconds, so a fraction of the source's is no difference.
            guard newest.moment.rfc3339 <= credential.lastRefresh.rfc3339 else {
                throw .newerCredential(path: newest.path, theirs: newest.moment, ours: credential.lastRefresh)
            }
            return (newest.path, newest.object)
        }
        for name in CredentialName.candidates(for: credential) {
            let path = destination + "/" + name
            if !FileSystem.exists(path) { return (path, nil) }
        }
        throw .destinationOccupied(path: destination + "/" + CredentialName.candidates(for: credential)[0])
    }

    /// What the operator or the server added to an existing file stays.
    private func write(
        _ credential: CodexCredential, to path: String, over existing: JSONObject?
    ) throws(AuthError) -> Outcome.Change {
        var object = existing ?? JSONObject()
        for (name, value) in credential.members.members { object[name] = value }
        do throws(SystemError) {
            if let existing, existing == object {
                try FileSystem.setMode(path, 0o600)
                return .unchanged
            }
            let bytes = JSONWriter.bytes(of: .object(object), layout: .indented) + [UInt8(ascii: "\n")]
            try AtomicFile.write(bytes, to: path, mode: 0o600)
        } catch {
            throw .system(error)
        }
        return existing == nil ? .created : .updated
    }

    private static func warnings(about credential: CodexCredential, now: Timestamp) -> [Diagnostic] {
        var warnings = [
            Diagnostic(
                "auth/shared-login", "the Codex CLI and the server now hold the same refresh token",
                severity: .warning,
                notes: ["it changes with every renewal: whoever renews first logs the other one out"],
                hints: [
                    "give the server a login of its own: `llm-router auth codex login`",
                    "or log the Codex CLI in again afterwards: `codex logout && codex login`",
                ])
        ]
        if credential.isRefreshDue(at: now) {
            let words = credential.expiry < now ? "ended at" : "ends at"
            warnings.append(
                Diagnostic(
                    "auth/renewal-due",
                    "the access token \(words) \(credential.expiry.rfc3339), so the server renews it at once",
                    severity: .warning,
                    hints: ["run any `codex` command first, which renews it there, then import again"]))
        }
        return warnings
    }
}

/// Whose login a credential file is, by its members or else by its tokens. Everybody in a workspace has the same account
/// id, so the address belongs to it.
private struct Holder {
    let accountID: String?
    let email: String?
    /// By the file, else by the token's own date.
    let lastRefresh: Timestamp?

    init(of object: JSONObject) {
        func token(_ name: String) -> JSONWebToken? { object[name]?.stringValue.flatMap(JSONWebToken.init) }
        let (identity, access) = (token("id_token"), token("access_token"))
        func text(_ name: String) -> String? { object[name]?.stringValue.flatMap { $0.isEmpty ? nil : $0 } }
        accountID = text("account_id") ?? identity?.accountID ?? access?.accountID
        email = (text("email") ?? identity?.email ?? access?.email)?.lowercased()
        lastRefresh = text("last_refresh").flatMap(Timestamp.init(rfc3339:)) ?? access?.issued
    }

    /// Whether the address is not known to be another one.
    func canBe(_ other: String?) -> Bool {
        guard let email, let other else { return true }
        return email == other.lowercased()
    }
}

/// File names as the server gives them.
enum CredentialName {
    private static let partLimit = 100

    /// The usual name, and one with the account's hash for a second account of the same address.
    static func candidates(for credential: CodexCredential) -> [String] {
        let holder = safe(credential.email ?? credential.accountID)
        let plan = safe(credential.plan?.lowercased() ?? "", keeping: "")
        var checksum = Checksum()
        Array(credential.accountID.utf8).withUnsafeBytes { checksum.update($0) }
        let hash = checksum.finish().prefix(8)
        let end = plan.isEmpty ? ".json" : "-\(plan).json"
        let plain = "codex-\(holder)\(end)"
        let hashed = "codex-\(hash)-\(holder)\(end)"
        return plan == "team" ? [hashed] : [plain, hashed]
    }

    /// `text` with everything replaced that has a meaning in paths or terminals.
    private static func safe(_ text: String, keeping marks: String = "@._+") -> String {
        let letters = text.unicodeScalars.prefix(partLimit).map { scalar -> Character in
            let letter = Character(scalar)
            return scalar.isASCII && (letter.isLetter || letter.isNumber || marks.contains(letter)) ? letter : "-"
        }
        return String(letters)
    }
}
