// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import StandInHTTP
internal import Synchronization
internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A run with a login flag: prints what the real program prints, writes the credential, and ends with 0 or 13.
struct LoginCommand {
    let plan: FaultPlan
    let options: CommandLineOptions
    let authDirectory: String

    static let portBusyExit: Int32 = 13

    func run(_ login: String) async {
        switch login {
        case "codex-login": await logInByCallback()
        case "codex-device-login": await logInCodexByDevice()
        case "github-copilot-login": await logInCopilot()
        default: ServerLog.error("\(login) failed: this stand-in plays codex and copilot only")
        }
    }

    // MARK: - Codex by callback

    private func logInByCallback() async {
        let state = ProxyServer.randomHex(32)
        let arrival = Mutex<StandInRequest?>(nil)
        let port = options.callbackPort ?? plan.callbackPort
        let listener = try? await StandInServer.start(port: port) { request in
            if request.path == "/success" { return .text("ok") }
            guard request.path == "/auth/callback" else { return .text("404 page not found", status: 404) }
            arrival.withLock { $0 = request }
            return .redirect(to: "/success")
        }
        guard plan.login != .portBusy, let listener else {
            ServerLog.error("Codex authentication failed: callback port \(port) is already in use")
            ServerLog.print("Port \(port) is already in use")
            StandInProgram.exitNow(Self.portBusyExit)
        }
        if !options.noBrowser { ServerLog.print("Opening browser for Codex authentication") }
        ServerLog.print("Visit the following URL to continue authentication:\n\(ProxyServer.authorizeURL(state))")
        ServerLog.print("Waiting for Codex authentication callback...")
        let clock = ServerClock(rate: plan.clockRate)
        while arrival.withLock({ $0 }) == nil, clock.now < (plan.login == .timeout ? 3 : 300) {
            try? await Task.sleep(for: .milliseconds(50))
        }
        await listener.stop()
        guard let request = arrival.withLock({ $0 }) else {
            return ServerLog.print("Codex authentication failed: timeout waiting for OAuth callback")
        }
        if let error = request.parameter("error") {
            return ServerLog.print("Codex authentication failed: oauth error: \(error)")
        }
        guard request.parameter("state") == state else {
            return ServerLog.print("Codex authentication failed: state mismatch")
        }
        finish("Codex authentication", CredentialFile.codex(plan, at: Timestamp.now()))
    }

    // MARK: - Device flows

    private func logInCodexByDevice() async {
        ServerLog.print("Starting Codex device authentication...")
        ServerLog.print("Codex device URL: https://auth.openai.com/codex/device")
        ServerLog.print("Codex device code: ABCD-12345")
        try? await ServerClock(rate: plan.clockRate).sleep(plan.loginDelay)
        finish("Codex device authentication", CredentialFile.codex(plan, at: Timestamp.now()))
    }

    private func logInCopilot() async {
        ServerLog.print("Starting GitHub Copilot authentication...\n")
        ServerLog.print("To authenticate, please visit: https://github.com/login/device")
        ServerLog.print("And enter the code: WDJB-MJHT\n")
        ServerLog.print("Waiting for GitHub authorization...\n(This will timeout in 900 seconds if not authorized)")
        try? await ServerClock(rate: plan.clockRate).sleep(plan.loginDelay)
        guard plan.login == .success || plan.login == .falseSuccess else {
            let reason = plan.login == .denied ? "access denied by the user" : "device code expired"
            return ServerLog.error(
                "GitHub Copilot authentication failed: \(reason)", from: "github_copilot_login.go:30")
        }
        ServerLog.print("Verifying Copilot access...")
        ServerLog.print("GitHub Copilot authentication successful for user: \(plan.userName)")
        finish("GitHub Copilot authentication", CredentialFile.copilot(plan, managed: false))
    }

    /// Writes the credential and says so, or says why not.
    private func finish(_ title: String, _ credential: (name: String, object: JSONObject)) {
        switch plan.login {
        case .success, .portBusy, .falseSuccess: break
        case .denied: return ServerLog.print("\(title) failed: access_denied")
        case .expired: return ServerLog.print("\(title) failed: expired_token")
        case .timeout: return ServerLog.print("\(title) failed: authentication timed out")
        case .exchangeFailed: return ServerLog.print("\(title) failed: token exchange failed with status 400")
        case .saveFailed: return ServerLog.print("\(title) failed: could not save the credentials")
        }
        let path = authDirectory + "/" + credential.name
        if plan.login != .falseSuccess {
            ServerLog.print("Saving credentials to \(path)")
            guard (try? CredentialFile.save(credential.object, to: path)) != nil else {
                return ServerLog.print("\(title) failed: could not save the credentials")
            }
            ServerLog.print("Authentication saved to \(path)")
        }
        ServerLog.print("\(title) successful!")
    }
}
