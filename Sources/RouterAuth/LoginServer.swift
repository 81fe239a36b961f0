// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax

/// Where a login is started and asked after: CLIProxyAPI's own calls, or what the config's `oauth` section names.
package struct LoginEndpoints: Equatable, Sendable {
    package var ticket: String
    package var status: String
    /// nil: nobody brings callbacks to this server.
    package var callback: String?
    /// Lists the credentials; nil where the server has no such call.
    package var list: String?

    package init(ticket: String, status: String, callback: String? = nil, list: String? = nil) {
        self.ticket = ticket
        self.status = status
        self.callback = callback
        self.list = list
    }

    package static func cliProxy(_ provider: LoginProvider) -> LoginEndpoints {
        let path =
            switch provider {
            case .codex: "codex-auth-url"
            case .copilot: "github-auth-url"
            case .other(let word): "\(word)-auth-url"
            }
        return LoginEndpoints(
            ticket: path, status: "get-auth-status", callback: "oauth-callback", list: "auth-files")
    }

    /// Asked without a state, CLIProxyAPI says "ok"; a callback without one could be anybody's.
    var needState: Bool { list != nil || callback != nil }

    /// The paths that older configs name and no server has ever had.
    package static func isKnownDead(_ path: String) -> Bool {
        path.contains("/v0/management/oauth/")
    }
}

/// The calls of one login, with the results as events.
struct LoginServer: Sendable {
    var client: ManagementClient
    let endpoints: LoginEndpoints
    let provider: LoginProvider
    /// The auth folder of a server on this machine.
    let folder: String?

    mutating func snapshot() throws(ManagementFailure) -> CredentialSnapshot {
        var snapshot = CredentialSnapshot(stored: folder.flatMap { CredentialSnapshot.entries(ofFolder: $0) })
        guard let list = endpoints.list else { return snapshot }
        do throws(ManagementFailure) {
            snapshot.listed = CredentialSnapshot.entries(ofList: try client.call(.get, list))
        } catch {
            guard case .unsupported = error else { throw error }
        }
        return snapshot
    }

    mutating func ticket() throws(ManagementFailure) -> LoginTicket {
        let answer = try client.call(.get, endpoints.ticket)
        guard let ticket = LoginTicket(answer) else {
            let message = answer["error"]?.stringValue.map { LogSafe.line($0) }
            throw .refused(status: 200, message: message ?? "there is no login URL in its answer")
        }
        if LoginTicket.hasMalformedState(answer) {
            throw .refused(status: 200, message: "the `state` in its answer cannot be one, so nothing was opened")
        }
        if ticket.state == nil, endpoints.needState {
            throw .refused(status: 200, message: "its answer names no `state`, so the login could not be asked after")
        }
        return ticket
    }

    mutating func status(_ state: String?) throws(ManagementFailure) -> LoginStatus {
        var path = endpoints.status
        if let state {
            // States are checked when they arrive: they need no escaping.
            path += (path.contains("?") ? "&" : "?") + "state=" + state
        }
        return LoginStatus(try client.call(.get, path))
    }

    mutating func submit(_ parameters: CallbackParameters) throws(ManagementFailure) {
        guard let path = endpoints.callback else { return }
        var body: JSONObject = ["provider": .string(provider.word), "state": .string(parameters.state)]
        if let code = parameters.code { body["code"] = .string(code) }
        if let error = parameters.error { body["error"] = .string(error) }
        _ = try client.call(.post, path, body: .object(body))
    }
}
