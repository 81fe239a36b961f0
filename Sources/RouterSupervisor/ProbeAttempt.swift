// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterControl
internal import RouterServices
internal import SystemIO

/// What one asking gave, before it is stamped with a time.
struct ProbeVerdict: Equatable {
    var isOK: Bool
    var code: Int?
    /// One word; docs/supervision.md lists them.
    var error: String?
    var detail: String?

    static func failed(_ error: String, code: Int? = nil, detail: String? = nil) -> ProbeVerdict {
        ProbeVerdict(isOK: false, code: code, error: error, detail: detail)
    }

    /// The word for a connection that could not be made or broke.
    static func failed(system code: Int32) -> ProbeVerdict {
        let error = SystemError("connect", code: code)
        if error.isConnectionRefused { return failed("connection-refused") }
        if error.isBrokenPipe { return failed("connection-reset") }
        if error.isOutOfResources { return failed("no-resources", detail: error.reason) }
        return failed("unreachable", detail: error.reason)
    }
}

/// One asking of one probe. It answers once, within its timeout, or not at all when it is dropped before.
final class ProbeAttempt {
    private let loop: DescriptorLoop
    private let children: ChildWatcher
    private var descriptor: OwnedDescriptor?
    private var token: DescriptorLoop.Token?
    private var timer: TimerQueue.ID?
    private var helper: HelperProcess?
    private var answer: ((ProbeVerdict) -> Void)?
    private var unsent: ArraySlice<UInt8> = []
    private var parser = HTTPAnswerParser()
    private var isConnected = false
    private var alternatives: [String] = []

    init(
        _ probe: ProbeSpec, loop: DescriptorLoop, children: ChildWatcher, helper: ProcessSpec?, directory: String?,
        environment: [String], answer: @escaping (ProbeVerdict) -> Void
    ) {
        self.loop = loop
        self.children = children
        self.answer = answer
        timer = loop.after(max(probe.timeout, .milliseconds(1))) { [weak self] in
            self?.timer = nil
            self?.finish(.failed("timeout"))
        }
        switch probe.target {
        case .http(let http): ask(http, helper, probe.timeout)
        case .tcp(let address): connect(to: address, http: nil)
        case .exec(let arguments): run(arguments, directory, environment)
        }
    }

    deinit {
        release()
    }

    /// Gives up without an answer.
    func cancel() {
        answer = nil
        release()
    }

    private func finish(_ result: ProbeVerdict) {
        let answer = answer
        self.answer = nil
        release()
        answer?(result)
    }

    private func release() {
        if let timer { loop.cancel(timer) }
        timer = nil
        disconnect()
        helper?.kill()
        helper = nil
    }

    private func disconnect() {
        if let token { loop.remove(token) }
        token = nil
        descriptor = nil
    }

    // MARK: - HTTP and TCP

    private func ask(_ http: HTTPProbe, _ helper: ProcessSpec?, _ timeout: Duration) {
        if case .missingVariable(let name) = http.bearer {
            return later(.failed("missing-variable", detail: "`\(name)` is not set"))
        }
        if http.isTLS || NumericAddress.candidates(http.address.host).isEmpty {
            guard let helper else { return later(.failed("unsupported-host", detail: http.url)) }
            return ask(helper, http, timeout)
        }
        unsent = Self.request(http)[...]
        connect(to: http.address, http: http)
    }

    private func connect(to address: ListenAddress, http: HTTPProbe?) {
        alternatives = NumericAddress.candidates(address.host)
        guard !alternatives.isEmpty else { return later(.failed("unsupported-host", detail: address.host)) }
        connectNext(address.port, http)
    }

    private func connectNext(_ port: Int, _ http: HTTPProbe?) {
        let host = alternatives.removeFirst()
        isConnected = false
        do {
            let made = try TCPSocket.startConnecting(to: host, port: port)
            token = try loop.add(made.rawValue, .writable) { [weak self] in self?.isReady($0, port, http) }
            descriptor = consume made
        } catch {
            guard alternatives.isEmpty else { return connectNext(port, http) }
            later(.failed(system: error.code))
        }
    }

    private func isReady(_ readiness: DescriptorLoop.Readiness, _ port: Int, _ http: HTTPProbe?) {
        if !isConnected {
            let code = TCPSocket.connectionError(descriptor?.rawValue ?? -1)
            guard code == 0 else {
                disconnect()
                // `localhost` may mean either family.
                return alternatives.isEmpty ? finish(.failed(system: code)) : connectNext(port, http)
            }
            isConnected = true
            guard http != nil else { return finish(ProbeVerdict(isOK: true)) }
        }
        guard let http else { return }
        if !unsent.isEmpty { send() }
        if readiness.contains(.readable) || readiness.contains(.hangup) { receive(http) }
    }

    private func send() {
        do {
            let count = try descriptor?.send(unsent) ?? 0
            unsent = unsent.dropFirst(count)
            if let token { loop.modify(token, unsent.isEmpty ? .readable : [.readable, .writable]) }
        } catch {
            finish(.failed(system: error.code))
        }
    }

    private func receive(_ http: HTTPProbe) {
        while answer != nil {
            do {
                guard let bytes = try descriptor?.receive(upTo: 16 << 10) else { return }
                let progress = bytes.isEmpty ? parser.finish() : parser.append(bytes)
                switch progress {
                case .needsMore:
                    if let early = earlyVerdict(http) { return finish(early) }
                case .complete: return finish(verdict(http))
                case .malformed: return finish(.failed("invalid-response", code: parser.status))
                }
            } catch {
                return finish(.failed(system: error.code))
            }
        }
    }

    /// The status alone decides, unless a text is to be found in the body.
    private func earlyVerdict(_ http: HTTPProbe) -> ProbeVerdict? {
        guard let status = parser.status, http.bodyMatch == nil || !http.acceptedStatus.contains(status) else {
            return nil
        }
        return verdict(http)
    }

    private func verdict(_ http: HTTPProbe) -> ProbeVerdict {
        guard let status = parser.status else { return .failed("invalid-response") }
        return HTTPExpectation.verdict(http, status: status, body: String(decoding: parser.body, as: UTF8.self))
    }

    /// Lines of a request cannot be broken by what a config says: control characters are left out.
    private static func request(_ http: HTTPProbe) -> [UInt8] {
        let host = http.address.host.contains(":") ? "[\(http.address.host)]" : http.address.host
        var lines = [
            "GET \(http.path.isEmpty ? "/" : http.path) HTTP/1.1", "Host: \(host):\(http.address.port)",
            "User-Agent: llm-router-probe", "Accept: */*", "Connection: close",
        ]
        if case .token(let token) = http.bearer { lines.append("Authorization: Bearer \(token.reveal())") }
        lines += http.headers
        let clean = lines.map { line in String(line.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F }) }
        return Array((clean.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    // MARK: - Programs

    private func run(_ arguments: [String], _ directory: String?, _ environment: [String]) {
        let path = EnvironmentMerge.variables(environment)["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
        guard let program = ChildProcess.locate(arguments[0], searchPath: path) else {
            return later(.failed("not-found", detail: arguments[0]))
        }
        let spec = ProcessSpec(
            executable: program, arguments: arguments, environment: environment, directory: directory)
        start(spec, input: []) { status, _ in
            switch status {
            case .code(0): ProbeVerdict(isOK: true, code: 0)
            case .code(let code): .failed("exit-status", code: Int(code))
            case .signal(let number, _): .failed("signal", detail: SignalNumber.name(number))
            case .unknown: .failed("unknown-exit")
            }
        }
    }

    /// Hosts that need a name lookup or TLS are asked by a program that links what that takes.
    private func ask(_ helper: ProcessSpec, _ http: HTTPProbe, _ timeout: Duration) {
        start(helper, input: ProbeHelperProtocol.request(http, timeout)) { _, output in
            ProbeHelperProtocol.verdict(output, http)
        }
    }

    private func start(
        _ spec: ProcessSpec, input: [UInt8], answer: @escaping (ExitStatus, [UInt8]) -> ProbeVerdict
    ) {
        do {
            helper = try HelperProcess(spec, input: input, loop: loop, children: children) { [weak self] in
                self?.helper = nil
                self?.finish(answer($0, $1))
            }
        } catch let error as SpawnError {
            later(.failed(error.isTransient ? "no-resources" : "cannot-run", detail: error.diagnostic.message))
        } catch {
            later(.failed("no-resources", detail: "\(error)"))
        }
    }

    /// Answers after the caller has what it called for.
    private func later(_ result: ProbeVerdict) {
        loop.after(.zero) { [weak self] in self?.finish(result) }
    }
}

/// Hosts that need no name lookup.
enum NumericAddress {
    /// The addresses to try, in order; none for a name.
    static func candidates(_ host: String) -> [String] {
        switch host {
        case "localhost": ["127.0.0.1", "::1"]
        // A service that listens everywhere is asked on this machine.
        case "0.0.0.0", "": ["127.0.0.1"]
        case "::": ["::1", "127.0.0.1"]
        default: TCPSocket.isNumeric(host) ? [host] : []
        }
    }
}
