// SPDX-License-Identifier: MIT

import SystemIO

/// Does what its options say until it is told to end.
final class FakeService {
    private let options: Options
    private let loop: DescriptorLoop
    private let signals: SignalDescriptor
    private var listener: OwnedDescriptor?
    private var connections: [Int32: Connection] = [:]
    private var isHanging = false

    init(_ options: Options) throws {
        self.options = options
        loop = try DescriptorLoop()
        signals = try SignalDescriptor([SignalNumber.terminate, SignalNumber.interrupt, SignalNumber.hangup])
        SignalNumber.ignorePipe()
        isHanging = options.has("--hang")
    }

    func run() throws {
        if let path = options.text("--pid-file") { try append("\(ProcessControl.currentPID)\n", to: path) }
        if let text = options.text("--print") { say(text) }
        if options.has("--grandchild") { try startGrandchild(newSession: false) }
        if options.has("--grandchild-session") { try startGrandchild(newSession: true) }
        _ = try loop.add(signals.rawValue, .readable) { [self] _ in takeSignals() }
        if let delay = options.milliseconds("--exit-after") { loop.after(delay) { [self] in exit() } }
        if let delay = options.milliseconds("--hang-after") { loop.after(delay) { [self] in isHanging = true } }
        if options.has("--port") {
            loop.after(options.milliseconds("--ready-after") ?? .zero) { [self] in try? listen() }
        }
        if let rate = options.number("--flood") { flood(rate) }
        if let count = options.number("--count") { printNumbers(count) }
        loop.run()
    }

    private func exit() {
        ProcessControl.exit(Int32(options.number("--exit-code") ?? 0))
    }

    private func takeSignals() {
        while let signal = signals.next() {
            if signal == SignalNumber.hangup {
                say("hangup")
            } else if !options.has("--ignore-term") {
                loop.after(options.milliseconds("--stop-delay") ?? .zero) { ProcessControl.exit(0) }
            }
        }
    }

    private func startGrandchild(newSession: Bool) throws {
        let own = try FileSystem.readStream("/proc/self/environ", limit: 1 << 20).split(separator: 0)
            .map { String(decoding: $0, as: UTF8.self) }
        var spec = ProcessSpec(
            executable: "/bin/sh", arguments: ["sh", "-c", "trap '' TERM HUP; while :; do sleep 1000; done"],
            environment: own)
        spec.newSession = newSession
        let null = try OwnedDescriptor.open("/dev/null", [.readWrite])
        let child = try ChildProcess.spawn(spec, input: null.rawValue, output: null.rawValue, error: null.rawValue)
        if let path = options.text("--grandchild-file") { try append("\(child.pid)\n", to: path) }
    }

    // MARK: - Output

    private func say(_ text: String) {
        try? OwnedDescriptor.writeAll(Array((text + "\n").utf8), to: 1)
    }

    private func append(_ text: String, to path: String) throws {
        try OwnedDescriptor.open(path, [.writeOnly, .append, .create]).writeAll(Array(text.utf8))
    }

    private func printNumbers(_ count: Int) {
        for number in 0..<count { say("line \(number)") }
        say("end")
    }

    /// Lines of 100 bytes, as many a second as fit into `rate` bytes.
    private func flood(_ rate: Int) {
        let slice = Duration.milliseconds(10)
        let line = Array((String(repeating: "x", count: 99) + "\n").utf8)
        let block = Array(repeatElement(line, count: max(1, rate / 100 / 100)).joined())
        func again() {
            let begun = MonotonicTime.now()
            try? OwnedDescriptor.writeAll(block, to: 1)
            loop.at(begun + slice) { again() }
        }
        again()
    }

    // MARK: - HTTP

    private final class Connection {
        let descriptor: OwnedDescriptor
        var token: DescriptorLoop.Token?
        var request = ""

        init(_ descriptor: consuming OwnedDescriptor) {
            self.descriptor = descriptor
        }
    }

    private func listen() throws {
        let made = try TCPSocket.listen(on: options.text("--host") ?? "127.0.0.1", port: options.number("--port") ?? 0)
        try made.setNonBlocking()
        _ = try loop.add(made.rawValue, .readable) { [self] _ in accept() }
        listener = consume made
    }

    private func accept() {
        guard let listener = listener?.rawValue else { return }
        while let descriptor = try? UnixSocket.accept(from: listener) {
            let connection = Connection(descriptor)
            let number = connection.descriptor.rawValue
            connections[number] = connection
            connection.token = try? loop.add(number, .readable) { [self] _ in read(connection) }
        }
    }

    private func read(_ connection: Connection) {
        guard let bytes = try? connection.descriptor.receive(upTo: 4096) else { return }
        guard !bytes.isEmpty else { return close(connection) }
        connection.request += String(decoding: bytes, as: UTF8.self)
        guard connection.request.contains("\r\n\r\n"), !isHanging else { return }
        let isAllowed = options.text("--bearer").map { connection.request.contains("Bearer \($0)\r\n") } ?? true
        let status = isAllowed ? options.number("--status") ?? 200 : 401
        let body = options.text("--body") ?? "{\"object\":\"list\",\"data\":[]}"
        let head = "HTTP/1.1 \(status) X\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n"
        _ = try? connection.descriptor.send(Array((head + body).utf8)[...])
        close(connection)
    }

    private func close(_ connection: Connection) {
        if let token = connection.token { loop.remove(token) }
        connections[connection.descriptor.rawValue] = nil
    }
}
