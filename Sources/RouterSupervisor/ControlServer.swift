// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import RouterControl
internal import RouterServices
internal import SystemIO

/// The private socket: many connections at once, none of which can hold up the others or the services.
final class ControlServer {
    /// More than any number of commands that people and scripts run at the same time.
    static let connectionLimit = 512
    /// An answer that nobody reads is dropped with its connection.
    static let stallLimit = Duration.seconds(30)

    private let loop: DescriptorLoop
    private let path: String
    private var listener: OwnedDescriptor
    private var listenerToken: DescriptorLoop.Token?
    private var connections: [Int: ControlConnection] = [:]
    private var lastNumber = 0
    private let serve: (ControlRequest, @escaping (ControlResponse.Body) -> Void) -> Void
    private let lacksSpecs: () -> Bool
    private let quiet: () -> Void

    /// `serve` is called with each request and what takes its answer, `lacksSpecs` with each answer, `quiet` when the last connection has gone.
    init(
        loop: DescriptorLoop, path: String,
        serve: @escaping (ControlRequest, @escaping (ControlResponse.Body) -> Void) -> Void,
        lacksSpecs: @escaping () -> Bool, quiet: @escaping () -> Void
    ) throws(SystemError) {
        self.lacksSpecs = lacksSpecs
        self.quiet = quiet
        self.loop = loop
        self.path = path
        self.serve = serve
        listener = try UnixSocket.listen(at: path)
        try listener.setNonBlocking()
        try listen()
    }

    var hasConnections: Bool { !connections.isEmpty }

    /// Makes the socket anew, for when somebody has removed it.
    func renew() throws(SystemError) {
        let fresh = try UnixSocket.listen(at: path)
        try fresh.setNonBlocking()
        stopListening()
        listener = fresh
        try listen()
    }

    /// Whether the path still leads to this socket.
    var isReachable: Bool {
        (try? FileSystem.status(path))??.kind == .socket
    }

    /// Takes the path away and accepts whoever came before that; false when nobody did.
    func closeToNewcomers() -> Bool {
        try? FileSystem.remove(path)
        let before = connections.count
        accept()
        return connections.count > before
    }

    func close() {
        stopListening()
        try? FileSystem.remove(path)
        for connection in connections.values { connection.close() }
        connections.removeAll()
    }

    private func listen() throws(SystemError) {
        listenerToken = try loop.add(listener.rawValue, .readable) { [weak self] _ in self?.accept() }
    }

    private func stopListening() {
        if let token = listenerToken { loop.remove(token) }
        listenerToken = nil
    }

    private func accept() {
        while true {
            do {
                guard let descriptor = try UnixSocket.accept(from: listener.rawValue) else { return }
                add(descriptor)
            } catch {
                // Out of descriptors: those who wait are served when there are some again.
                if error.isOutOfResources { pause() }
                return
            }
        }
    }

    private func pause() {
        stopListening()
        loop.after(.milliseconds(200)) { [weak self] in
            guard let self, listenerToken == nil else { return }
            try? listen()
        }
    }

    private func add(_ descriptor: consuming OwnedDescriptor) {
        guard connections.count < Self.connectionLimit else { return }
        // The mode of the socket keeps others out already; this holds even where a file system has no modes.
        guard let peer = try? UnixSocket.peer(of: descriptor.rawValue),
            peer.uid == ProcessControl.currentUser || peer.uid == 0
        else { return }
        lastNumber += 1
        let number = lastNumber
        connections[number] = ControlConnection(
            descriptor, loop: loop,
            request: { [weak self] connection, line in self?.receive(line, connection) },
            closed: { [weak self] in self?.remove(number) })
    }

    private func remove(_ number: Int) {
        connections[number] = nil
        if connections.isEmpty { quiet() }
    }

    private func receive(_ line: [UInt8], _ connection: ControlConnection) {
        var id = 0
        let answer: (ControlResponse.Body) -> Void
        do {
            let json = try JSONParser.parse(line)
            id = json["id"]?.integerValue ?? 0
            let request = try ControlRequest(json: json)
            let number = id
            answer = { [weak connection, lacksSpecs] body in
                let response = ControlResponse(id: number, body: body, lacksSpecs: lacksSpecs())
                connection?.send(JSONWriter.bytes(of: response.json))
            }
            serve(request, answer)
        } catch {
            let reason = (error as? JSONFieldError).map { "`\($0.field)` must be \($0.expected)" } ?? "\(error)"
            let body = ControlResponse.Body.failure(
                code: "control/invalid-request", message: "the request cannot be read: \(reason)",
                hints: ["the command and the supervisor may be of different versions: `llm-router supervisor upgrade`"])
            connection.send(JSONWriter.bytes(of: ControlResponse(id: id, body: body).json))
        }
    }
}

/// One command's connection.
final class ControlConnection {
    private let descriptor: OwnedDescriptor
    private let loop: DescriptorLoop
    private var framer = LineFramer()
    private var unsent: [UInt8] = []
    private var token: DescriptorLoop.Token?
    private var stall: TimerQueue.ID?
    private var isOpen = true
    private let request: (ControlConnection, [UInt8]) -> Void
    private let closed: () -> Void

    init(
        _ descriptor: consuming OwnedDescriptor, loop: DescriptorLoop,
        request: @escaping (ControlConnection, [UInt8]) -> Void, closed: @escaping () -> Void
    ) {
        self.descriptor = descriptor
        self.loop = loop
        self.request = request
        self.closed = closed
        token = try? loop.add(self.descriptor.rawValue, .readable) { [weak self] in self?.isReady($0) }
        watchStall()
    }

    func send(_ line: [UInt8]) {
        guard isOpen else { return }
        unsent += line
        unsent.append(UInt8(ascii: "\n"))
        flush()
    }

    func close() {
        guard isOpen else { return }
        isOpen = false
        if let token { loop.remove(token) }
        if let stall { loop.cancel(stall) }
        closed()
    }

    private func isReady(_ readiness: DescriptorLoop.Readiness) {
        if readiness.contains(.writable) { flush() }
        guard isOpen, readiness.contains(.readable) || readiness.contains(.hangup) else { return }
        do {
            guard let bytes = try descriptor.receive(upTo: 1 << 16) else { return }
            guard !bytes.isEmpty else { return close() }
            framer.append(bytes)
            while isOpen, let line = try framer.next() { request(self, line) }
            watchStall()
        } catch {
            close()
        }
    }

    private func flush() {
        do {
            while !unsent.isEmpty {
                let count = try descriptor.send(unsent[...])
                if count == 0 { break }
                unsent.removeFirst(count)
            }
        } catch {
            return close()
        }
        if let token { loop.modify(token, unsent.isEmpty ? .readable : [.readable, .writable]) }
        watchStall()
    }

    /// Half a request, or an answer that is not fetched, must come on within a time.
    private func watchStall() {
        if let stall { loop.cancel(stall) }
        stall = nil
        guard isOpen, framer.isMidLine || !unsent.isEmpty else { return }
        stall = loop.after(ControlServer.stallLimit) { [weak self] in
            self?.stall = nil
            self?.close()
        }
    }
}
