// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import StandInHTTP
internal import SystemIO

/// The server's state and the work that goes on beside the requests.
actor ProxyServer {
    let plan: FaultPlan
    let clock: ServerClock
    let configPath: String
    var config: ServerConfig
    var authDirectory: String
    var sessions: OAuthSessions
    var access: ManagementGuard
    var credentials: [CredentialFile] = []
    /// What went wrong with a credential, by name.
    var conditions: [String: Condition] = [:]
    var forwarders: [String: StandInServer] = [:]
    var lastKeepAlive: Double

    struct Condition: Sendable {
        var status: String
        var message: String
    }

    init(plan: FaultPlan, configPath: String, config: ServerConfig, authDirectory: String, keys: ManagementGuard) {
        self.plan = plan
        clock = ServerClock(rate: plan.clockRate)
        self.configPath = configPath
        self.config = config
        self.authDirectory = authDirectory
        access = keys
        sessions = OAuthSessions(release: plan.release)
        lastKeepAlive = 0
    }

    // MARK: - Requests

    func answer(_ request: StandInRequest) async -> StandInResponse {
        var response = await route(request)
        response.headers += [
            ("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS"),
            ("Access-Control-Allow-Headers", "*"),
        ]
        ServerLog.info(
            "\(response.status) | 1ms | \(request.remoteAddress) | \(request.method) \"\(request.path)\"",
            from: "gin_logger.go:92")
        return response
    }

    private func route(_ request: StandInRequest) async -> StandInResponse {
        if request.method == "OPTIONS" { return StandInResponse(status: 204) }
        let path = request.path
        if path.hasPrefix("/v0/management") { return await manage(request) }
        if path.hasPrefix("/v1") { return await serveModelRequest(request) }
        switch (request.method, path) {
        case ("GET", "/"):
            return .json([
                "message": "CLI Proxy API Server",
                "endpoints": ["POST /v1/chat/completions", "POST /v1/completions", "GET /v1/models"],
            ])
        case ("GET", "/healthz"), ("HEAD", "/healthz"):
            return plan.release.hasHealthz ? .json(["status": "ok"]) : Self.notFound
        case ("GET", "/keep-alive"):
            guard access.localKey != nil else { return Self.notFound }
            lastKeepAlive = clock.now
            return .json(["status": "ok"])
        case ("GET", let path) where path.hasSuffix("/callback"):
            return receiveCallback(request, provider: String(path.dropFirst().prefix { $0 != "/" }))
        default: return Self.notFound
        }
    }

    static var notFound: StandInResponse { .text("404 page not found", status: 404) }

    // MARK: - Work beside the requests

    /// Follows the config file's inode, so that a file renamed over it is never seen, and the auth folder's entries.
    func watch() async {
        guard let followed = try? OwnedDescriptor.open(configPath, [.readOnly]) else { return }
        // The real server misses what changes between its first reading and this point; tests need not.
        if (try? FileSystem.read(configPath, limit: 4 << 20)) != config.source { reload() }
        var signature = InodeSignature(descriptor: followed.rawValue)
        while !Task.isCancelled {
            // Real watching is event-driven with a debounce of 150 ms; half of that is the finest this can be.
            try? await Task.sleep(for: .milliseconds(75))
            if InodeSignature(descriptor: followed.rawValue) != signature {
                reload()
                signature = InodeSignature(descriptor: followed.rawValue)
            }
            credentials = CredentialFile.load(from: authDirectory)
        }
    }

    func loadCredentials() {
        credentials = CredentialFile.load(from: authDirectory)
    }

    func reload() {
        guard let bytes = try? FileSystem.read(configPath, limit: 4 << 20), !bytes.isEmpty else { return }
        do {
            var latest = try ServerConfig.load(configPath)
            // The listener was made once: host and port stay.
            (latest.host, latest.port) = (config.host, config.port)
            config = latest
            ServerLog.info("config successfully reloaded, triggering client reload", from: "config_reload.go:112")
        } catch {
            ServerLog.error("failed to reload config: \(ErrorWords.of(error))", from: "config_reload.go:60")
        }
    }

    /// Looks at every credential twice a minute and renews the tokens that are due.
    func refreshLoop() async {
        while !Task.isCancelled {
            for credential in credentials
            where conditions[credential.name] == nil && credential.isRefreshDue(at: Timestamp.now()) {
                await refresh(credential)
            }
            try? await clock.sleep(30)
        }
    }

    private func refresh(_ credential: CredentialFile) async {
        switch plan.refresh {
        case .reused:
            conditions[credential.name] = Condition(status: "error", message: "refresh_token_reused")
            ServerLog.warning("codex token refresh failed: refresh_token_reused", from: "token_refresh.go:40")
        case .forbidden:
            conditions[credential.name] = Condition(status: "error", message: "token refresh failed with status 403")
        case .slow, .ok:
            if plan.refresh == .slow {
                conditions[credential.name] = Condition(status: "refreshing", message: "")
                try? await clock.sleep(10)
                conditions[credential.name] = nil
            }
            let fresh = CredentialFile.codex(plan, at: Timestamp.now()).object
            var object = credential.object
            for key in ["access_token", "refresh_token", "last_refresh", "expired"] { object[key] = fresh[key] }
            try? CredentialFile.save(object, to: credential.path)
            credentials = CredentialFile.load(from: authDirectory)
        }
    }

    /// With `-password`, stops the server when nobody has called `/keep-alive` for ten seconds.
    func keepAliveLoop() async {
        guard access.localKey != nil else { return }
        lastKeepAlive = clock.now
        while clock.now - lastKeepAlive < 10 { try? await clock.sleep(0.5) }
        ServerLog.info("keep-alive endpoint idle for 10s, shutting down", from: "server.go:260")
        StandInProgram.exitNow(0)
    }
}

/// What changes when the content of an open file does.
struct InodeSignature: Equatable {
    private let size: Int
    private let modifiedNanoseconds: Int64

    init(descriptor: Int32) {
        let status = try? FileSystem.status("/proc/self/fd/\(descriptor)")
        size = status?.sizeBytes ?? -1
        modifiedNanoseconds = status?.modifiedNanoseconds ?? 0
    }
}
