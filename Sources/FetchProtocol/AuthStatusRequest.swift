// SPDX-License-Identifier: MIT

package import Diagnostics
package import JSONSyntax

/// Reads the credentials of the auth folder, and asks the running server what it thinks of them.
package struct AuthStatusRequest: FetchRequest {
    package typealias Answer = AuthStatusAnswer

    package static let name = "auth.status"

    package var authDirectory: String
    /// nil when the server does not run or need not be asked.
    package var server: String?
    package var key: Secret<String>?

    package init(authDirectory: String, server: String?, key: Secret<String>?) {
        self.authDirectory = authDirectory
        self.server = server
        self.key = key
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: Self.name)
        authDirectory = try fields.string("auth_directory")
        server = try fields.optionalString("server")
        key = try fields.optionalString("key").map { Secret($0) }
    }

    package var json: JSONValue {
        [
            "auth_directory": .string(authDirectory), "server": JSONValue(server), "key": JSONValue(key?.reveal()),
        ]
    }
}

/// Every credential of the auth folder, and what the server said when it was asked.
package struct AuthStatusAnswer: FetchValue {
    /// One account, without its secrets. Moments are RFC 3339.
    package struct Credential: FetchValue {
        package let name: String
        package let path: String
        package let provider: String?
        package let account: String?
        package let plan: String?
        package let expires: String?
        package let lastRefresh: String?
        /// Octal, `0600`.
        package let mode: String
        /// The server's word: `active`, `error`, …; nil when it was not asked or does not know the credential.
        package let serverStatus: String?
        package let problems: [Diagnostic]

        package init(
            name: String, path: String, provider: String?, account: String?, plan: String?, expires: String?,
            lastRefresh: String?, mode: String, serverStatus: String?, problems: [Diagnostic]
        ) {
            self.name = name
            self.path = path
            self.provider = provider
            self.account = account
            self.plan = plan
            self.expires = expires
            self.lastRefresh = lastRefresh
            self.mode = mode
            self.serverStatus = serverStatus
            self.problems = problems
        }

        package var needsOperator: Bool { problems.contains { $0.severity == .error } }
    }

    package let credentials: [Credential]
    /// `answered`, `not-asked`, or the word of what went wrong, such as `unreachable` or `wrong-key`.
    package let server: String
    /// What concerns no single credential: the folder's mode, a server that refuses the key.
    package let problems: [Diagnostic]

    package init(credentials: [Credential], server: String, problems: [Diagnostic]) {
        self.credentials = credentials
        self.server = server
        self.problems = problems
    }

    /// Whether the command must exit with 1.
    package var needsOperator: Bool {
        credentials.contains { $0.needsOperator } || problems.contains { $0.severity == .error }
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: "status answer")
        var credentials: [Credential] = []
        for value in try fields.values("credentials") { credentials.append(try Credential(json: value)) }
        self.credentials = credentials
        server = try fields.string("server")
        problems = try Self.diagnostics(fields)
    }

    package var json: JSONValue {
        [
            "credentials": .array(credentials.map(\.json)), "server": .string(server),
            "problems": .array(problems.map(FetchLine.json(of:))),
        ]
    }

    fileprivate static func diagnostics(_ fields: FetchFields) throws(FetchProtocolError) -> [Diagnostic] {
        var diagnostics: [Diagnostic] = []
        for value in try fields.values("problems") { diagnostics.append(try FetchLine.diagnostic(value)) }
        return diagnostics
    }
}

extension AuthStatusAnswer.Credential {
    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: "credential")
        self.init(
            name: try fields.string("name"), path: try fields.string("path"),
            provider: try fields.optionalString("provider"), account: try fields.optionalString("account"),
            plan: try fields.optionalString("plan"), expires: try fields.optionalString("expires"),
            lastRefresh: try fields.optionalString("last_refresh"), mode: try fields.string("mode"),
            serverStatus: try fields.optionalString("server_status"),
            problems: try AuthStatusAnswer.diagnostics(fields))
    }

    package var json: JSONValue {
        [
            "name": .string(name), "path": .string(path), "provider": JSONValue(provider),
            "account": JSONValue(account), "plan": JSONValue(plan), "expires": JSONValue(expires),
            "last_refresh": JSONValue(lastRefresh), "mode": .string(mode), "server_status": JSONValue(serverStatus),
            "problems": .array(problems.map(FetchLine.json(of:))),
        ]
    }
}
