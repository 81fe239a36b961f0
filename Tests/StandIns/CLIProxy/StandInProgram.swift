// SPDX-License-Identifier: MIT

internal import StandInHTTP
internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// One run of the program: flags, config, then a login or the server. As the real one, it ends with 0 on failures.
struct StandInProgram {
    let arguments: [String]

    func run() async {
        Self.loadDotEnv()
        let plan = FaultPlan.fromEnvironment()
        ServerLog.print(plan.release.banner)
        let options = parse(plan.release)
        if let code = plan.crashCode { Self.exitNow(code) }
        guard let (path, config, authDirectory) = loadConfig(options, plan) else { return }
        if let login = options.login {
            let command = LoginCommand(plan: plan, options: options, authDirectory: authDirectory)
            return await command.run(login)
        }
        let keys = ManagementGuard(
            release: plan.release, environmentKey: Self.variable("MANAGEMENT_PASSWORD"), localKey: options.password)
        let server = ProxyServer(plan: plan, configPath: path, config: config, authDirectory: authDirectory, keys: keys)
        await serve(server, config, plan)
    }

    static func exitNow(_ code: Int32) -> Never {
        _exit(code)
    }

    private func parse(_ release: ServerRelease) -> CommandLineOptions {
        let usage = CommandLineOptions.usage(program: arguments.first ?? "cli-proxy-api-plus", release: release)
        do throws(CommandLineOptions.Failure) {
            return try CommandLineOptions(arguments.dropFirst(), release: release)
        } catch {
            let complaint =
                switch error {
                case .help: ""
                case .undefined(let name): "flag provided but not defined: -\(name)\n"
                case .needsArgument(let name): "flag needs an argument: -\(name)\n"
                }
            try? OwnedDescriptor.writeAll(Array((complaint + usage).utf8), to: 2)
            Self.exitNow(error == .help ? 0 : 2)
        }
    }

    /// nil after the reason was logged.
    private func loadConfig(
        _ options: CommandLineOptions, _ plan: FaultPlan
    ) -> (path: String, config: ServerConfig, authDirectory: String)? {
        for name in ["PGSTORE_DSN", "GITSTORE_GIT_URL", "OBJECTSTORE_ENDPOINT"] where Self.variable(name) != nil {
            ServerLog.error("failed to initialize token store from \(name)")
            return nil
        }
        let folder = (try? PathName.currentDirectory()) ?? "/"
        let path = PathName.resolve(options.configPath ?? "config.yaml", against: folder)
        if Self.variable("DEPLOY") == "cloud", !FileSystem.exists(path) {
            ServerLog.info("Cloud deploy mode: No configuration file detected; standing by for configuration")
            while true { pause() }
        }
        let config: ServerConfig
        do {
            config = try ServerConfig.load(path)
        } catch {
            ServerLog.error("failed to load config: \(ErrorWords.of(error))")
            return nil
        }
        var name = config.authDirectory
        if name.isEmpty, plan.release == .current { name = "~/.cli-proxy-api" }
        guard !name.isEmpty else {
            ServerLog.error("cliproxy: failed to create auth directory : mkdir : no such file or directory")
            return nil
        }
        let authDirectory = PathName.resolve(PathName.expandingHome(name, home: Self.variable("HOME")), against: folder)
        guard Self.makeFolders(authDirectory) else {
            ServerLog.error(
                "cliproxy: failed to create auth directory \(authDirectory): \(String(cString: strerror(errno)))")
            return nil
        }
        return (path, config, authDirectory)
    }

    private func serve(_ server: ProxyServer, _ config: ServerConfig, _ plan: FaultPlan) async {
        Self.handleSignals(ignoringTermination: plan.ignoresTermination)
        await server.loadCredentials()
        if plan.bindDelay > 0 { try? await Task.sleep(for: .seconds(plan.bindDelay)) }
        var listener: StandInServer?
        var failure: String?
        do {
            let host = config.host.isEmpty ? "0.0.0.0" : config.host
            listener = try await StandInServer.start(host: host, port: config.port) { await server.answer($0) }
        } catch {
            failure = "listen tcp \(config.host):\(config.port): bind: address already in use"
        }
        try? await Task.sleep(for: .milliseconds(100))
        ServerLog.print("API server started successfully on: \(config.host):\(config.port)")
        if let failure {
            ServerLog.error("proxy service exited with error: failed to start HTTP server: \(failure)")
            return
        }
        async let watching: Void = server.watch()
        async let refreshing: Void = server.refreshLoop()
        async let keepingAlive: Void = server.keepAliveLoop()
        if let seconds = plan.exitAfter {
            try? await Task.sleep(for: .seconds(seconds))
            Self.exitNow(0)
        }
        _ = await (watching, refreshing, keepingAlive)
        await listener?.stop()
    }

    /// The real server cuts what is in flight and ends with 0.
    private static func handleSignals(ignoringTermination: Bool) {
        signal(SIGPIPE, SIG_IGN)
        if ignoringTermination {
            signal(SIGTERM, SIG_IGN)
            signal(SIGINT, SIG_IGN)
        } else {
            signal(SIGTERM) { _ in _exit(0) }
            signal(SIGINT) { _ in _exit(0) }
        }
    }

    /// Variables from `.env` in the working folder, without overriding what is set.
    private static func loadDotEnv() {
        guard let bytes = try? FileSystem.read(".env", limit: 1 << 20) else { return }
        for line in String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline) where !line.hasPrefix("#")
        {
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2 { setenv(parts[0], parts[1], 0) }
        }
    }

    static func variable(_ name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    /// As the service does it: 0755, less the umask.
    private static func makeFolders(_ path: String) -> Bool {
        if mkdir(path, 0o755) == 0 || errno == EEXIST { return true }
        guard errno == ENOENT, path != "/" else { return false }
        return makeFolders(PathName.parent(of: path)) && (mkdir(path, 0o755) == 0 || errno == EEXIST)
    }
}
