// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import FetchProtocol
internal import JSONSyntax
internal import RouterConfig
internal import RouterControl
internal import RouterEvents
internal import RouterServices
internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The server that keeps the credentials, as the configuration describes it.
struct CredentialServer {
    let stack: Stack
    let provider: String

    private static let defaultPort = 8317

    /// The service that is CLIProxyAPI, if the stack has one.
    var service: ServiceSpec? { Self.service(in: stack.plan()) }

    static func service(in plan: ServicePlan) -> ServiceSpec? {
        plan.services.first { ServiceKind($0) == .cliproxy }
    }

    /// `http://127.0.0.1:8317`, or what `oauth.<provider>.base_url` says.
    var address: String {
        if let base = stack.configuration.oauthProvider(provider).baseURL { return base }
        let listen = service?.listen
        let host = ListenAddress.reachableHost(listen?.host)
        return "http://\(host.contains(":") ? "[\(host)]" : host):\(listen?.port ?? Self.defaultPort)"
    }

    /// The management key: where the configuration says, else in the usual variables as the server sees them.
    var key: Secret<String>? {
        let variables = stack.environment(of: service)
        switch stack.configuration.oauthProvider(provider).managementKey {
        case .literal(let secret): return secret
        case .environment(let name): return variables[name].map { Secret($0) }
        case nil:
            let values = EnvironmentKey.managementKeys.lazy.compactMap { variables[$0.rawValue] }
            return values.first { !$0.isEmpty }.map { Secret($0) }
        }
    }

    /// The address when the service runs or is not ours to run; nil when it is ours and is stopped.
    func addressIfRunning() throws -> String? {
        guard let service, stack.configuration.oauthProvider(provider).baseURL == nil else {
            return stack.configuration.oauthProvider(provider).baseURL
        }
        let isRunning = try StackView.read(stack, detail: .outline).services.contains {
            $0.name == service.name && $0.pid != nil
        }
        return isRunning ? address : nil
    }

    /// The credentials of the auth folder, and what the running server says of them.
    func credentials() throws -> AuthStatusAnswer {
        let request = AuthStatusRequest(
            authDirectory: stack.paths.authsDirectory, server: try addressIfRunning(), key: key)
        return try FetchRunner(stack.context).run(request)
    }

    /// The server's program, for flows that only it can do.
    var program: LoginRequest.Program? {
        guard let service else { return nil }
        return LoginRequest.Program(
            executable: service.command.executable, config: Self.configFile(of: service.command),
            directory: service.command.directory,
            environment: service.command.inheritedEnvironment.reveal() + service.command.environment.reveal())
    }
}

extension CredentialServer {
    /// The file that CLIProxyAPI reads its settings from.
    static func configFile(of command: ServiceCommand) -> String {
        let config = command.value(of: "-config") ?? command.value(of: "--config") ?? "config.yaml"
        return PathName.resolve(config, against: command.directory)
    }
}

extension ServiceCommand {
    /// What the arguments give as `option`: the next argument, or what follows a `=`; the last one counts.
    func value(of option: String) -> String? {
        var value: String?
        for (argument, next) in zip(arguments, arguments.dropFirst().map(Optional.some) + [nil]) {
            if argument == option { value = next ?? value }
            if argument.hasPrefix(option + "=") { value = String(argument.dropFirst(option.count + 1)) }
        }
        return value
    }
}

/// One login, from the request to its event.
struct Login {
    let stack: Stack
    let provider: String
    let options: LoginOptions

    func run(method: LoginRequest.Method) throws -> ExitStatus {
        try stack.prepareFolders()
        try PrivateDirectory.claim(stack.paths.authsDirectory)
        do {
            let answer = try FetchRunner(stack.context).run(request(method), readsInput: true)
            stack.record(.oauthLogin, provider: provider, result: result(answer), detail: detail(answer))
            if let problem = answer.problem { stack.context.console.report(problem) }
            stack.context.console.show(
                Report(
                    lines: ["oauth_status=\(answer.status)"],
                    json: [
                        "oauth_status": .string(answer.status), "provider": .string(provider),
                        "credential": JSONValue(answer.credential),
                    ]))
            return answer.isSuccess ? .success : .failure
        } catch FetchProtocolError.interrupted {
            stack.record(.oauthLogin, provider: provider, result: .cancelled)
            throw FetchProtocolError.interrupted
        } catch {
            let words = (error as? any DiagnosticConvertible)?.diagnostic.message
            stack.record(.oauthLogin, provider: provider, result: .failed, detail: words)
            throw error
        }
    }

    private func request(_ method: LoginRequest.Method) -> LoginRequest {
        let settings = stack.configuration.oauthProvider(provider)
        let server = CredentialServer(stack: stack, provider: provider)
        var request = LoginRequest(
            provider: provider, server: server.address, key: server.key, authDirectory: stack.paths.authsDirectory)
        request.method = method
        request.timeoutMilliseconds = milliseconds(options.timeout) ?? Int(settings.timeout.wholeMilliseconds)
        request.pollMilliseconds = milliseconds(options.pollInterval) ?? Int(settings.pollInterval.wholeMilliseconds)
        request.callbackPort = settings.callbackPort
        request.acceptsPaste = inputCanSpeak
        request.browser = options.noBrowser ? [] : browser
        request.browserEnvironment = Self.browserEnvironment(stack.context.environment)
        request.endpoints = LoginRequest.Endpoints(
            ticket: settings.authURLEndpoint, status: settings.statusEndpoint, callback: settings.callbackEndpoint)
        request.program = server.program
        return request
    }

    /// What a browser needs to find the desktop and its own settings; keys and tokens are not among it.
    static func browserEnvironment(_ variables: [String: String]) -> [String] {
        let names: Set<String> = [
            "BROWSER", "DESKTOP_SESSION", "DISPLAY", "HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TMPDIR",
            "TZ", "USER", "WAYLAND_DISPLAY", "XAUTHORITY", "DE", "KDE_FULL_SESSION", "KDE_SESSION_VERSION",
            "GNOME_DESKTOP_SESSION_ID", "WSL_DISTRO_NAME", "WSL_INTEROP", "DESKTOP_STARTUP_ID",
        ]
        let prefixes = ["DBUS_", "LC_", "XDG_", "MOZ_"]
        let needed = variables.filter { name, _ in
            names.contains(name) || prefixes.contains { name.hasPrefix($0) }
        }
        return needed.map { "\($0.key)=\($0.value)" }.sorted()
    }

    /// What opens a page, where somebody can see it.
    private var browser: [String] {
        let environment = stack.context.environment
        #if os(Linux)
            guard environment["DISPLAY"] != nil || environment["WAYLAND_DISPLAY"] != nil else { return [] }
            let name = "xdg-open"
        #else
            let name = "open"
        #endif
        return ChildProcess.locate(name, searchPath: stack.context[.path] ?? "/usr/bin:/bin").map { [$0] } ?? []
    }

    /// Whether somebody can paste a line: standard input is a terminal or a pipe, not a file or nothing at all.
    private var inputCanSpeak: Bool {
        var status = stat()
        return isatty(0) == 1 || (fstat(0, &status) == 0 && status.st_mode & S_IFMT == S_IFIFO)
    }

    private func milliseconds(_ seconds: Double?) -> Int? {
        seconds.map { Int($0 * 1000) }
    }

    private func result(_ answer: LoginAnswer) -> Event.Result {
        switch answer.status {
        case "success": .success
        case "timeout", "expired": .timeout
        case "cancelled": .cancelled
        default: .failed
        }
    }

    private func detail(_ answer: LoginAnswer) -> String {
        answer.problem.map { "\(answer.status): \($0.message)" } ?? answer.status
    }
}
