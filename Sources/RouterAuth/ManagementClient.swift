// SPDX-License-Identifier: MIT

package import Diagnostics
package import JSONSyntax
internal import Transfer

/// One call to a server's management API.
package struct ManagementCall: Sendable {
    package enum Method: String, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
    }

    package var method: Method
    package var url: String
    /// The key; sent as a bearer token.
    package var key: Secret<String>?
    package var body: Secret<[UInt8]>?
    package var contentType = "application/json"
    /// How long it may take; nil leaves that to the transport.
    package var limit: Duration?

    package init(_ method: Method, _ url: String, key: Secret<String>? = nil, body: Secret<[UInt8]>? = nil) {
        self.method = method
        self.url = url
        self.key = key
        self.body = body
    }
}

/// What the server answered to a call, its body bounded.
package struct ManagementReply: Sendable {
    package let status: Int
    /// `X-CPA-VERSION`: only CLIProxyAPI sends it, and with every answer of the management API.
    package let serverVersion: String?
    package let body: [UInt8]

    package init(status: Int, serverVersion: String?, body: [UInt8]) {
        self.status = status
        self.serverVersion = serverVersion
        self.body = body
    }
}

/// Sends calls: libcurl in the helper, a script in tests.
package protocol ManagementTransport: Sendable {
    func send(_ call: ManagementCall) throws(ManagementFailure) -> ManagementReply
}

/// Why a call brought no usable answer.
package enum ManagementFailure: Error, Equatable, Sendable {
    /// No connection, or it broke: `refused`, `timeout`, `dns`, `tls`, `reset`, `failed`.
    case unreachable(word: String, detail: String)
    case keyMissing
    case wrongKey
    /// Too many wrong keys: even the right one is refused for half an hour.
    case banned(message: String)
    case forbidden(message: String)
    /// The management API is off: the server answers 404 to all of it.
    case managementOff
    /// The server's version does not have this call.
    case unsupported(path: String, serverVersion: String?)
    case refused(status: Int, message: String)
    case notJSON(status: Int)
}

/// Speaks to the management API of CLIProxyAPI, or to another server that logs in the same way.
///
/// Five wrong keys lock a client out for half an hour, so after the first refused key nothing more is sent, and
/// without a key nothing is sent at all.
package struct ManagementClient: Sendable {
    package static let root = "/v0/management/"

    private let base: String
    private let key: Secret<String>?
    private let transport: any ManagementTransport
    /// The refusal after which every further call fails without being sent.
    private var refusal: ManagementFailure?
    /// How long each call may take, for callers with a deadline.
    package var callLimit: Duration?

    /// - Parameter base: `http://host:port`, with or without a final slash.
    package init(base: String, key: Secret<String>?, transport: any ManagementTransport) {
        self.base = base.hasSuffix("/") ? String(base.dropLast()) : base
        self.key = key
        self.transport = transport
    }

    /// Calls `path`, which is below the management root unless it begins with a slash or is a whole URL.
    package mutating func call(
        _ method: ManagementCall.Method, _ path: String, body: JSONValue? = nil
    ) throws(ManagementFailure) -> JSONValue {
        let reply = try send(method, path, body: body.map { Secret(JSONWriter.bytes(of: $0)) })
        guard let value = try? JSONParser.parse(reply.body) else { throw .notJSON(status: reply.status) }
        return value
    }

    /// The answer as it is, for what is not JSON.
    package mutating func send(
        _ method: ManagementCall.Method, _ path: String, body: Secret<[UInt8]>? = nil,
        contentType: String = "application/json"
    ) throws(ManagementFailure) -> ManagementReply {
        if let refusal { throw refusal }
        let url = url(of: path)
        let isOurs = url.hasPrefix(base + Self.root)
        guard key != nil || !isOurs else { throw .keyMissing }
        var call = ManagementCall(method, url, key: isForeign(path) ? nil : key, body: body)
        call.contentType = contentType
        call.limit = callLimit
        let reply = try transport.send(call)
        guard let failure = Self.failure(of: reply, path: path) else { return reply }
        switch failure {
        case .wrongKey, .banned, .forbidden: refusal = failure
        case .unreachable, .keyMissing, .managementOff, .unsupported, .refused, .notJSON: break
        }
        throw failure
    }

    /// Whether `path` is a whole URL of another server, which the key is not for.
    package func isForeign(_ path: String) -> Bool {
        guard Self.isWhole(path) else { return false }
        guard let target = try? TransferURL(path), let home = try? TransferURL(base) else { return true }
        return !target.hasSameOrigin(as: home)
    }

    private static func isWhole(_ path: String) -> Bool { path.hasPrefix("http://") || path.hasPrefix("https://") }

    private func url(of path: String) -> String {
        if Self.isWhole(path) { return path }
        return path.hasPrefix("/") ? base + path : base + Self.root + path
    }

    private static func failure(of reply: ManagementReply, path: String) -> ManagementFailure? {
        switch reply.status {
        case 200..<300: return nil
        case 401: return .wrongKey
        case 403:
            let message = message(of: reply)
            return message.lowercased().contains("banned") ? .banned(message: message) : .forbidden(message: message)
        case 404:
            // With the API switched off even its headers are missing. An error in JSON comes from the call itself.
            if let value = try? JSONParser.parse(reply.body), value["error"] != nil {
                return .refused(status: 404, message: message(of: reply))
            }
            return reply.serverVersion == nil
                ? .managementOff
                : .unsupported(path: String(path.prefix { $0 != "?" }), serverVersion: reply.serverVersion)
        default: return .refused(status: reply.status, message: message(of: reply))
        }
    }

    /// The server's own words, cut to one line.
    private static func message(of reply: ManagementReply) -> String {
        let value = try? JSONParser.parse(reply.body)
        let text =
            value?["error"]?.stringValue ?? value?["message"]?.stringValue ?? value?["error"]?["message"]?.stringValue
        return LogSafe.line(text ?? "")
    }
}

/// Words of strangers, made fit for a line of a log or terminal.
enum LogSafe {
    static func line(_ text: String, limit: Int = 200) -> String {
        DiagnosticRenderer.printable(String(String.UnicodeScalarView(text.unicodeScalars.prefix(limit))))
    }
}

extension ManagementFailure: DiagnosticConvertible {
    package var diagnostic: Diagnostic {
        switch self {
        case .unreachable(let word, let detail):
            Diagnostic(
                "auth/server-unreachable", "the server does not answer (\(word)): \(detail)",
                hints: ["start it: `llm-router service start cliproxyapi_plus`"])
        case .keyMissing:
            Diagnostic(
                "auth/no-key", "there is no management key, and without one nothing may be asked",
                hints: ["set `MANAGEMENT_PASSWORD` in `.router/secrets.env`, then restart the service"])
        case .wrongKey:
            Diagnostic(
                "auth/wrong-key", "the server refuses the management key; nothing more was sent",
                notes: ["five wrong keys lock this machine out for half an hour"],
                hints: [
                    "compare `MANAGEMENT_PASSWORD` in `.router/secrets.env` with what the server was started with",
                    "restart it with the present key: `llm-router service restart cliproxyapi_plus`",
                ])
        case .banned(let message):
            Diagnostic(
                "auth/banned", "the server has locked this machine out: \(message)",
                hints: ["correct the key, then `llm-router service restart cliproxyapi_plus`: a restart ends the ban"])
        case .forbidden(let message):
            Diagnostic(
                "auth/forbidden", "the server refuses the management API: \(message)",
                hints: ["run the command on the server's own machine"])
        case .managementOff:
            Diagnostic(
                "auth/management-off", "the server's management API is off (404)",
                hints: [
                    "give it a key: set `MANAGEMENT_PASSWORD` in `.router/secrets.env`, then restart the service",
                    "or log in without it: `llm-router auth codex login --device`",
                ])
        case .unsupported(let path, let version):
            Diagnostic(
                "auth/unsupported", "the server\(version.map { " (\($0))" } ?? "") has no `\(path)`",
                hints: ["install a version that has it: `llm-router bootstrap download --cliproxy-version VERSION`"])
        case .refused(let status, let message):
            Diagnostic("auth/server-refused", "the server answered \(status)\(message.isEmpty ? "" : ": \(message)")")
        case .notJSON(let status):
            Diagnostic(
                "auth/not-json", "the server answered \(status) with something that is not JSON",
                hints: ["another program may be listening there: `llm-router doctor`"])
        }
    }
}
