// SPDX-License-Identifier: MIT

package import Diagnostics
package import JSONSyntax

/// Logs in to a provider through the running server, or through the server's program.
package struct LoginRequest: FetchRequest {
    package typealias Answer = LoginAnswer

    package static let name = "auth.login"
    /// The conventional port of the Codex login, which the provider has registered.
    package static let codexCallbackPort = 1455

    package enum Method: String, Sendable {
        /// Through the management API of the running server.
        case management
        /// Through a login flag of the server's program, with a code to type into a page.
        case device
    }

    /// The program of the server, and how it must be run.
    package struct Program: Equatable, Sendable {
        package var executable: String
        package var config: String
        package var directory: String
        /// `NAME=value`; what the server itself is started with.
        package var environment: [String]

        package init(executable: String, config: String, directory: String, environment: [String]) {
            self.executable = executable
            self.config = config
            self.directory = directory
            self.environment = environment
        }
    }

    /// Calls of another server; nil members keep those of CLIProxyAPI.
    package struct Endpoints: Equatable, Sendable {
        package var ticket: String?
        package var status: String?
        package var callback: String?

        package init(ticket: String? = nil, status: String? = nil, callback: String? = nil) {
            self.ticket = ticket
            self.status = status
            self.callback = callback
        }
    }

    /// `codex`, `copilot`, or a name of the config's `oauth` section.
    package var provider: String
    package var method = Method.management
    /// `http://host:port`.
    package var server: String
    package var key: Secret<String>?
    /// The server's auth folder, where it is on this machine: the proof of a login.
    package var authDirectory: String?
    package var timeoutMilliseconds = 300_000
    package var pollMilliseconds = 2000
    package var callbackPort = LoginRequest.codexCallbackPort
    /// The operator's lines are handed on, so the callback URL can be pasted.
    package var acceptsPaste = false
    /// Program and arguments to which the login URL is appended; empty opens no browser.
    package var browser: [String] = []
    /// `NAME=value` for the browser.
    package var browserEnvironment: [String] = []
    package var endpoints: Endpoints?
    package var program: Program?

    package init(provider: String, server: String, key: Secret<String>?, authDirectory: String?) {
        self.provider = provider
        self.server = server
        self.key = key
        self.authDirectory = authDirectory
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: Self.name)
        provider = try fields.string("provider")
        method = try fields.word("method")
        server = try fields.string("server")
        key = try fields.optionalString("key").map { Secret($0) }
        authDirectory = try fields.optionalString("auth_directory")
        timeoutMilliseconds = try fields.integer("timeout_ms")
        pollMilliseconds = try fields.integer("poll_ms")
        callbackPort = try fields.integer("callback_port")
        acceptsPaste = try fields.bool("accepts_paste")
        browser = try fields.strings("browser")
        browserEnvironment = try fields.strings("browser_environment")
        if let value = fields.present("endpoints") {
            let members = try FetchFields(value, of: "endpoints")
            endpoints = Endpoints(
                ticket: try members.optionalString("ticket"), status: try members.optionalString("status"),
                callback: try members.optionalString("callback"))
        }
        if let value = fields.present("program") {
            let members = try FetchFields(value, of: "program")
            program = Program(
                executable: try members.string("executable"), config: try members.string("config"),
                directory: try members.string("directory"), environment: try members.strings("environment"))
        }
    }

    package var json: JSONValue {
        let endpointMembers = endpoints.map { endpoints -> JSONValue in
            [
                "ticket": JSONValue(endpoints.ticket), "status": JSONValue(endpoints.status),
                "callback": JSONValue(endpoints.callback),
            ]
        }
        let programMembers = program.map { program -> JSONValue in
            [
                "executable": .string(program.executable), "config": .string(program.config),
                "directory": .string(program.directory),
                "environment": .array(program.environment.map(JSONValue.string)),
            ]
        }
        return [
            "provider": .string(provider), "method": .string(method.rawValue), "server": .string(server),
            "key": JSONValue(key?.reveal()), "auth_directory": JSONValue(authDirectory),
            "timeout_ms": .integer(timeoutMilliseconds), "poll_ms": .integer(pollMilliseconds),
            "callback_port": .integer(callbackPort), "accepts_paste": .bool(acceptsPaste),
            "browser": .array(browser.map(JSONValue.string)),
            "browser_environment": .array(browserEnvironment.map(JSONValue.string)),
            "endpoints": endpointMembers ?? .null, "program": programMembers ?? .null,
        ]
    }
}

/// How a login ended. Not being logged in is an answer, not a failure of the request.
package struct LoginAnswer: FetchValue {
    /// The word of `oauth_status=`; `success` only when the new credential is there.
    package let status: String
    /// The credential's file name; nil without success, and for servers whose credentials cannot be looked at.
    package let credential: String?
    /// What the operator is told; nil after a success.
    package let problem: Diagnostic?

    package init(status: String, credential: String?, problem: Diagnostic?) {
        self.status = status
        self.credential = credential
        self.problem = problem
    }

    package var isSuccess: Bool { status == "success" }

    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: "login answer")
        status = try fields.string("status")
        credential = try fields.optionalString("credential")
        if let value = fields.present("problem") { problem = try FetchLine.diagnostic(value) } else { problem = nil }
    }

    package var json: JSONValue {
        [
            "status": .string(status), "credential": JSONValue(credential),
            "problem": problem.map(FetchLine.json(of:)) ?? .null,
        ]
    }
}

/// Takes over a login of the Codex CLI. Warnings come as notices.
package struct ImportLoginRequest: FetchRequest {
    package typealias Answer = ImportLoginAnswer

    package static let name = "auth.import"

    /// The Codex CLI's file.
    package var source: String
    package var authDirectory: String

    package init(source: String, authDirectory: String) {
        self.source = source
        self.authDirectory = authDirectory
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: Self.name)
        source = try fields.string("source")
        authDirectory = try fields.string("auth_directory")
    }

    package var json: JSONValue { ["source": .string(source), "auth_directory": .string(authDirectory)] }
}

/// The credential file that an import left in the auth folder.
package struct ImportLoginAnswer: FetchValue {
    /// Absolute, for `saved_auth=`.
    package let path: String
    /// `created`, `updated` or `unchanged`.
    package let change: String
    package let account: String?
    package let plan: String?
    /// RFC 3339.
    package let expires: String

    package init(path: String, change: String, account: String?, plan: String?, expires: String) {
        self.path = path
        self.change = change
        self.account = account
        self.plan = plan
        self.expires = expires
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: "import answer")
        path = try fields.string("path")
        change = try fields.string("change")
        account = try fields.optionalString("account")
        plan = try fields.optionalString("plan")
        expires = try fields.string("expires")
    }

    package var json: JSONValue {
        [
            "path": .string(path), "change": .string(change), "account": JSONValue(account), "plan": JSONValue(plan),
            "expires": .string(expires),
        ]
    }
}
