// SPDX-License-Identifier: MIT

internal import Diagnostics
package import FetchProtocol
internal import JSONSyntax
package import SystemIO

/// What `auth status` shows: the files, and what the running server makes of them.
package struct AuthStatus: Sendable {
    private let store: CredentialStore
    private var client: ManagementClient?

    /// - Parameter client: nil when the server does not run.
    package init(store: CredentialStore, client: ManagementClient?) {
        self.store = store
        self.client = client
    }

    package mutating func read(now: Timestamp) throws(AuthError) -> AuthStatusAnswer {
        let contents = try store.read(now: now)
        var credentials = contents.credentials
        var problems: [Diagnostic] = []
        if contents.isCut {
            problems.append(
                Diagnostic(
                    "auth/too-many-files",
                    "`\(store.folder)` has more than \(CredentialStore.countLimit) files; only the first were looked at",
                    hints: ["see what they are: `ls -U '\(store.folder)' | head`"]))
        }
        if let mode = (try? FileSystem.status(store.folder))?.mode, mode & 0o077 != 0 {
            problems.append(
                Diagnostic(
                    "auth/credential-folder-mode",
                    "others can enter `\(store.folder)` (mode 0\(String(mode, radix: 8)))",
                    hints: ["chmod 700 '\(store.folder)'"]))
        }
        var server = "not-asked"
        if client != nil {
            do throws(ManagementFailure) {
                let answer = try client?.call(.get, "auth-files") ?? .null
                guard let files = answer["files"]?.arrayValue else {
                    throw .refused(status: 200, message: "its answer has no list of `files`")
                }
                Self.merge(files, into: &credentials)
                server = "answered"
            } catch {
                server = error.word
                problems.append(error.diagnostic)
            }
        }
        return AuthStatusAnswer(credentials: credentials.map(Self.report), server: server, problems: problems)
    }

    private static func merge(_ files: [JSONValue], into credentials: inout [Credential]) {
        for index in credentials.indices {
            // A file that is no credential has its problem already.
            guard credentials[index].provider != nil else { continue }
            let name = credentials[index].name
            guard let file = files.first(where: { ($0["name"] ?? $0["id"])?.stringValue == name }) else {
                credentials[index].problems.append(.unknownToServer)
                continue
            }
            let status = LogSafe.line(file["status"]?.stringValue ?? "unknown", limit: 40)
            credentials[index].serverStatus = status
            let isUnavailable = file["unavailable"]?.boolValue ?? false
            if status == "error" || (isUnavailable && status != "disabled") {
                let message = LogSafe.line(file["status_message"]?.stringValue ?? "")
                credentials[index].problems.append(.serverReports(status: status, message: message))
            }
        }
    }

    private static func report(_ credential: Credential) -> AuthStatusAnswer.Credential {
        let digits = String(credential.mode & 0o777, radix: 8)
        return AuthStatusAnswer.Credential(
            name: credential.name, path: credential.path, provider: credential.provider, account: credential.account,
            plan: credential.plan, expires: credential.expiry?.rfc3339, lastRefresh: credential.lastRefresh?.rfc3339,
            mode: String(repeating: "0", count: max(0, 4 - digits.count)) + digits,
            serverStatus: credential.serverStatus, problems: credential.problems.map(credential.diagnostic(of:)))
    }
}
