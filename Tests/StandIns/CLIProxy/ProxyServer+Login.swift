// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import StandInHTTP
internal import SystemIO

extension ProxyServer {
    private static let aliases = [
        "codex": "codex", "openai": "codex", "anthropic": "anthropic", "claude": "anthropic", "gemini": "gemini",
        "google": "gemini", "iflow": "iflow", "antigravity": "antigravity", "qwen": "qwen", "kiro": "kiro",
        "github": "github",
    ]

    // MARK: - Starting

    func startCodexLogin(_ request: StandInRequest) async -> StandInResponse {
        let state = Self.randomHex(32)
        if let flag = request.parameter("is_webui"), ["1", "true", "yes", "on"].contains(flag.lowercased()) {
            guard let forwarder = await startForwarder() else {
                return Self.failure("failed to start callback server", status: 500)
            }
            forwarders[state] = forwarder
        }
        sessions.register(state, provider: "codex", now: clock.now)
        Task { await finishCodexLogin(state) }
        return .json(["status": "ok", "url": .string(Self.authorizeURL(state)), "state": .string(state)])
    }

    private func startForwarder() async -> StandInServer? {
        if plan.login == .portBusy { return nil }
        let target = "http://127.0.0.1:\(config.port)/codex/callback?"
        return try? await StandInServer.start(port: plan.callbackPort) { request in
            .redirect(to: target + request.target.drop { $0 != "?" }.dropFirst())
        }
    }

    static func authorizeURL(_ state: String) -> String {
        "https://auth.openai.com/oauth/authorize?client_id=app_EMoamEEZ73f0CkXaXp7hrann&code_challenge="
            + randomHex(43) + "&code_challenge_method=S256&codex_cli_simplified_flow=true"
            + "&id_token_add_organizations=true&prompt=login"
            + "&redirect_uri=http%3A%2F%2Flocalhost%3A1455%2Fauth%2Fcallback&response_type=code"
            + "&scope=openid+email+profile+offline_access&state=" + state
    }

    func startCopilotLogin() -> StandInResponse {
        let state = "gh-\(Timestamp.now().nanoseconds)"
        sessions.register(state, provider: "github", now: clock.now)
        Task { await finishCopilotLogin(state) }
        let url: JSONValue = "https://github.com/login/device"
        return .json([
            "status": "ok", "url": url, "state": .string(state), "user_code": "WDJB-MJHT", "verification_uri": url,
        ])
    }

    func startKiroLogin(_ request: StandInRequest) -> StandInResponse {
        let method = request.parameter("method") ?? "aws"
        guard ["aws", "google", "github"].contains(method) else {
            return Self.failure("invalid method, use 'aws', 'google', or 'github'", status: 400)
        }
        let state = "kiro-\(Timestamp.now().nanoseconds)"
        sessions.register(state, provider: "kiro", now: clock.now)
        return .json(["status": "ok", "state": .string(state), "method": method == "aws" ? "device_code" : "social"])
    }

    // MARK: - Asking

    func loginStatus(_ request: StandInRequest) -> StandInResponse {
        switch sessions.status(request.parameter("state"), now: clock.now) {
        case .ok: .json(["status": "ok"])
        case .wait: .json(["status": "wait"])
        case .failed(let message): .json(["status": "error", "error": .string(message)])
        case .malformed: .json(["status": "error", "error": "invalid state"], status: 400)
        }
    }

    // MARK: - Callbacks

    /// The browser's own way in: always a friendly page, whatever the state.
    func receiveCallback(_ request: StandInRequest, provider: String) -> StandInResponse {
        guard let provider = Self.aliases[provider] else { return Self.notFound }
        let state = request.parameter("state") ?? ""
        if OAuthSessions.isValid(state), sessions.isPending(state, now: clock.now) {
            store(provider, state, code: request.parameter("code") ?? "", error: request.parameter("error") ?? "")
        }
        return .bytes(
            Array("<html><body>Authentication successful!</body></html>".utf8), type: "text/html; charset=utf-8")
    }

    func storeCallback(_ request: StandInRequest) -> StandInResponse {
        let query = JSONObject(request.query.map { (name: $0.name, value: JSONValue.string($0.value)) })
        guard let body = request.method == "GET" ? query : request.json?.objectValue else {
            return Self.callbackFailure("invalid body", status: 400)
        }
        guard let provider = Self.aliases[body["provider"]?.stringValue?.lowercased() ?? ""] else {
            return Self.callbackFailure("unsupported provider", status: 400)
        }
        var state = body["state"]?.stringValue ?? ""
        var code = body["code"]?.stringValue ?? ""
        var error = body["error"]?.stringValue ?? ""
        if let url = body["redirect_url"]?.stringValue, !url.isEmpty {
            guard url.contains("://"), let mark = url.firstIndex(of: "?") else {
                return Self.callbackFailure("invalid redirect_url", status: 400)
            }
            for pair in FormEncoding.pairs(of: String(url[url.index(after: mark)...].prefix { $0 != "#" })) {
                switch pair.name {
                case "state": state = pair.value
                case "code": code = pair.value
                case "error": error = pair.value
                default: break
                }
            }
        }
        guard !state.isEmpty else { return Self.callbackFailure("state is required", status: 400) }
        guard OAuthSessions.isValid(state) else { return Self.callbackFailure("invalid state", status: 400) }
        guard !code.isEmpty || !error.isEmpty else {
            return Self.callbackFailure("code or error is required", status: 400)
        }
        switch sessions.callbackProblem(state, provider: provider, now: clock.now) {
        case .unknown: return Self.callbackFailure("unknown or expired state", status: 404)
        case .notPending: return Self.callbackFailure("oauth flow is not pending", status: 409)
        case .completed: return Self.callbackFailure("oauth flow is already completed", status: 409)
        case .otherProvider: return Self.callbackFailure("provider does not match state", status: 400)
        case nil: break
        }
        store(provider, state, code: code, error: error)
        return .json(["status": "ok"])
    }

    private static func callbackFailure(_ message: String, status: Int) -> StandInResponse {
        .json(["status": "error", "error": .string(message)], status: status)
    }

    private func callbackPath(_ provider: String, _ state: String) -> String {
        "\(authDirectory)/.oauth-\(provider)-\(state).oauth"
    }

    private func store(_ provider: String, _ state: String, code: String, error: String) {
        let object: JSONObject = ["code": .string(code), "state": .string(state), "error": .string(error)]
        try? CredentialFile.save(object, to: callbackPath(provider, state), mode: 0o600)
    }

    // MARK: - Finishing

    private func finishCodexLogin(_ state: String) async {
        let deadline = clock.now + (plan.login == .timeout ? 3 : 300)
        let path = callbackPath("codex", state)
        var callback: JSONValue?
        while callback == nil {
            guard sessions.isPending(state, now: clock.now) else { break }
            guard clock.now < deadline else {
                sessions.fail(state, "Timeout waiting for OAuth callback")
                break
            }
            if let bytes = try? FileSystem.read(path, limit: 65_536) { callback = try? JSONParser.parse(bytes) }
            try? await Task.sleep(for: .milliseconds(100))
        }
        try? FileSystem.remove(path)
        if let callback { finish(state, callback) }
        await forwarders.removeValue(forKey: state)?.stop()
    }

    private func finish(_ state: String, _ callback: JSONValue) {
        if callback["error"]?.stringValue?.isEmpty == false || plan.login == .denied {
            return sessions.fail(state, "Bad Request")
        }
        switch plan.login {
        case .exchangeFailed, .expired: sessions.fail(state, "Failed to exchange authorization code for tokens")
        case .saveFailed: sessions.fail(state, "Failed to save authentication tokens")
        case .falseSuccess: sessions.complete(state, now: clock.now)
        case .success, .denied, .timeout, .portBusy: save(CredentialFile.codex(plan, at: Timestamp.now()), state)
        }
    }

    private func finishCopilotLogin(_ state: String) async {
        try? await clock.sleep(plan.login == .timeout ? 3600 : plan.loginDelay)
        guard sessions.isPending(state, now: clock.now) else { return }
        switch plan.login {
        case .success, .portBusy: save(CredentialFile.copilot(plan, managed: true), state)
        case .falseSuccess: sessions.complete(state, now: clock.now)
        case .denied, .expired, .timeout, .exchangeFailed: sessions.fail(state, "Authentication failed")
        case .saveFailed: sessions.fail(state, "Failed to save authentication tokens")
        }
    }

    private func save(_ credential: (name: String, object: JSONObject), _ state: String) {
        do {
            try CredentialFile.save(credential.object, to: authDirectory + "/" + credential.name)
            sessions.complete(state, now: clock.now)
            ServerLog.print("Authentication successful! Token saved to \(authDirectory)/\(credential.name)")
        } catch {
            sessions.fail(state, "Failed to save authentication tokens")
        }
    }

    static func randomHex(_ count: Int) -> String {
        String((0..<count).map { _ in Array("0123456789abcdef")[Int.random(in: 0..<16)] })
    }
}
