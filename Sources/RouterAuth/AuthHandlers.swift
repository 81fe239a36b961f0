// SPDX-License-Identifier: MIT

internal import Diagnostics
package import FetchProtocol
internal import SystemIO
package import Transfer

/// What the helper can do about credentials.
package enum AuthHandlers {
    /// - Parameter settings: proxies and certificates for servers on other machines.
    package static func all(settings: TransferSettings) -> [FetchHandler] {
        [
            FetchHandler(LoginRequest.self) { request, channel in logIn(request, channel, settings) },
            FetchHandler(ImportLoginRequest.self) { request, channel in try importLogin(request, channel) },
            FetchHandler(AuthStatusRequest.self) { request, _ in try readStatus(request, settings) },
            FetchHandler(ProxyConfigRequest.self) { request, channel in
                try channel.completing { try changeConfig(request, settings) }
            },
        ]
    }

    private static func client(
        _ server: String, _ key: Secret<String>?, _ settings: TransferSettings
    ) -> ManagementClient {
        var settings = settings
        // A proxy must never see the key of a server on this very machine.
        if (try? TransferURL(server))?.isLoopback != false { settings.proxies = ProxySettings() }
        return ManagementClient(base: server, key: key, transport: CurlTransport(settings: settings))
    }

    // MARK: - Login

    private static func logIn(
        _ request: LoginRequest, _ channel: FetchChannel, _ settings: TransferSettings
    ) -> LoginAnswer {
        let provider = LoginProvider(request.provider)
        let console = ChannelConsole(channel: channel, request: request)
        var outcome: LoginOutcome
        switch request.method {
        case .device: outcome = programLogin(request, provider, channel, console)
        case .management:
            outcome = managementLogin(request, provider, console, client(request.server, request.key, settings))
            // Newer servers have no such call; their program may still know the way.
            if case .serverFailed(.unsupported) = outcome, provider == .copilot, request.program != nil {
                outcome = programLogin(request, provider, channel, console)
            }
        }
        var credential: String?
        if case .success(let entry) = outcome {
            credential = entry?.name
            if let entry { closeToOthers(entry.name, request.authDirectory) }
        }
        return LoginAnswer(
            status: outcome.word, credential: credential, problem: outcome.diagnostic(provider: provider))
    }

    private static func managementLogin(
        _ request: LoginRequest, _ provider: LoginProvider, _ console: ChannelConsole, _ client: ManagementClient
    ) -> LoginOutcome {
        var plan = LoginPlan(provider: provider, usesCallback: provider != .copilot)
        plan.timeout = .milliseconds(request.timeoutMilliseconds)
        plan.pollInterval = .milliseconds(request.pollMilliseconds)
        plan.callbackPort = request.callbackPort
        plan.canPaste = request.acceptsPaste
        var endpoints = LoginEndpoints.cliProxy(provider)
        if let given = request.endpoints {
            apply(given, to: &endpoints, &plan, console, client)
        }
        let login = Login(
            plan: plan, endpoints: endpoints, client: client, folder: request.authDirectory, console: console)
        return login.run()
    }

    /// Another server's calls. Its credentials cannot be listed, so its word must do.
    private static func apply(
        _ given: LoginRequest.Endpoints, to endpoints: inout LoginEndpoints, _ plan: inout LoginPlan,
        _ console: ChannelConsole, _ client: ManagementClient
    ) {
        let dead = [given.ticket, given.status].compactMap { $0 }.filter(LoginEndpoints.isKnownDead)
        if let path = dead.first {
            console.notice(
                Diagnostic(
                    "auth/dead-endpoint", "no server has ever had `\(path)`; the real calls are used instead",
                    severity: .warning, hints: ["remove `auth_url_endpoint` and `status_endpoint` from `oauth`"]))
            return
        }
        let foreign = [given.ticket, given.status, given.callback].compactMap { $0 }.filter(client.isForeign)
        if let url = foreign.first {
            console.notice(
                Diagnostic(
                    "auth/foreign-endpoint",
                    "`\(TransferURL.redact(url))` is not on the server that has the management key: it is asked without the key",
                    severity: .warning, hints: ["name the server itself in `base_url` and give the paths alone"]))
        }
        guard given.ticket != nil || given.status != nil else {
            if let callback = given.callback { endpoints.callback = callback }
            return
        }
        endpoints.ticket = given.ticket ?? endpoints.ticket
        endpoints.status = given.status ?? endpoints.status
        endpoints.callback = given.callback
        endpoints.list = nil
        plan.usesCallback = given.callback != nil
        plan.proof = .serverWord
    }

    private static func programLogin(
        _ request: LoginRequest, _ provider: LoginProvider, _ channel: FetchChannel, _ console: ChannelConsole
    ) -> LoginOutcome {
        guard let program = request.program, let folder = request.authDirectory else {
            return .programMissing(program: "the server's program", reason: "it is not configured")
        }
        let spec = ProcessSpec(
            executable: program.executable, arguments: [program.executable, "-config", program.config],
            environment: program.environment, directory: program.directory)
        let login = ProgramLogin(
            provider: provider, spec: spec, folder: folder, timeout: .milliseconds(request.timeoutMilliseconds))
        return login.run(console: console, launcher: ChannelLauncher(channel: channel))
    }

    /// The server writes credentials with whatever mode its umask leaves.
    private static func closeToOthers(_ name: String, _ folder: String?) {
        // The name may be the server's word: it must not lead out of the folder.
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard let folder, !parts.contains(where: { $0.isEmpty || $0 == "." || $0 == ".." }) else { return }
        let path = folder + "/" + name
        guard let status = try? FileSystem.status(path, followingLinks: false), status.kind == .regular,
            status.mode & 0o077 != 0
        else { return }
        try? FileSystem.setMode(path, 0o600)
    }

    // MARK: - Files

    private static func readStatus(
        _ request: AuthStatusRequest, _ settings: TransferSettings
    ) throws -> AuthStatusAnswer {
        let client = request.server.map { Self.client($0, request.key, settings) }
        var status = AuthStatus(store: CredentialStore(folder: request.authDirectory), client: client)
        return try status.read(now: .now())
    }

    private static func importLogin(
        _ request: ImportLoginRequest, _ channel: FetchChannel
    ) throws -> ImportLoginAnswer {
        let work = HeadlessImport(source: request.source, destination: request.authDirectory)
        let outcome = try work.run(now: .now()) { try channel.completing($0) }
        for warning in outcome.warnings { channel.send(.notice(warning)) }
        return ImportLoginAnswer(
            path: outcome.path, change: outcome.change.rawValue,
            account: outcome.credential.email ?? outcome.credential.accountID, plan: outcome.credential.plan,
            expires: outcome.credential.expiry.rfc3339)
    }

    private static func changeConfig(
        _ request: ProxyConfigRequest, _ settings: TransferSettings
    ) throws -> ProxyConfigAnswer {
        guard let server = request.server else {
            let hasChanged = try ProxyConfigFile(path: request.path).apply(request.changes)
            return ProxyConfigAnswer(way: hasChanged ? "file" : "none")
        }
        var client = Self.client(server, request.key, settings)
        let old = try client.send(.get, "config.yaml").body
        let new = try ProxyConfigText.applying(request.changes, to: old, path: request.path)
        guard new != old else { return ProxyConfigAnswer(way: "none") }
        _ = try client.send(.put, "config.yaml", body: Secret(new), contentType: "application/yaml")
        return ProxyConfigAnswer(way: "server")
    }
}

/// The operator at the other end of the helper's pipe.
private struct ChannelConsole: LoginConsole {
    let channel: FetchChannel
    let request: LoginRequest

    func value(_ name: String, _ text: String) { channel.send(.value(name: name, text: text)) }
    func notice(_ diagnostic: Diagnostic) { channel.send(.notice(diagnostic)) }
    func prompt(_ text: String) { channel.send(.prompt(text)) }
    func line(within limit: Duration) -> String? { channel.nextInput(within: limit) }

    func open(url: String) {
        guard let program = request.browser.first,
            let null = try? OwnedDescriptor.open("/dev/null", [.readWrite])
        else { return }
        let spec = ProcessSpec(
            executable: program, arguments: request.browser + [url], environment: request.browserEnvironment)
        // Nobody waits for it: a browser may stay open for days. Without one the printed URL does.
        _ = try? ChildProcess.spawn(spec, input: null.rawValue, output: null.rawValue, error: null.rawValue)
    }
}

private struct ChannelLauncher: ProgramLauncher {
    let channel: FetchChannel

    func start(_ spec: ProcessSpec, input: Int32, output: Int32, error: Int32) throws(SpawnError) -> Int32 {
        try channel.start(spec, input: input, output: output, error: error)
    }

    func finished(pid: Int32) { channel.finished(pid: pid) }
}
