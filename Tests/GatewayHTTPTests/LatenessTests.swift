// SPDX-License-Identifier: MIT

import JSONSyntax
import Synchronization
import SystemIO
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// An upstream with a thread for each connection, which nothing but the machine can hold up. It streams `before `, unless the
/// request is of the user `late`, waits, and streams `after`.
private final class ThreadedUpstream: Sendable {
    let port: Int
    private let socket: Int32
    private let count = Atomic<Int>(0)
    private let isReleased = Atomic<Bool>(false)

    init() throws {
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let number = socket
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(number, $0, length) == 0 && listen(number, 64) == 0 && getsockname(number, $0, &length) == 0
            }
        }
        try #require(isBound)
        port = Int(UInt16(bigEndian: address.sin_port))
        try BackgroundThread.start { [self] in
            while case let client = accept(socket, nil, nil), client >= 0 {
                try? BackgroundThread.start { [self] in
                    serve(client)
                    close(client)
                }
            }
        }
    }

    deinit { close(socket) }

    var requests: Int { count.load(ordering: .relaxed) }

    func release() { isReleased.store(true, ordering: .relaxed) }

    func stop() { shutdown(socket, Int32(SHUT_RDWR)) }

    private func serve(_ client: Int32) {
        var text = ""
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while !text.hasSuffix("}") {
            let got = recv(client, &buffer, buffer.count, 0)
            guard got > 0 else { return }
            text += String(decoding: buffer.prefix(got), as: UTF8.self)
        }
        count.add(1, ordering: .relaxed)
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
        put(client, text.contains("\"late\"") ? head : head + Scripted.chunk("before "))
        while !isReleased.load(ordering: .relaxed) { usleep(2000) }
        put(client, Scripted.chunk("after", finish: "stop") + Scripted.done)
    }

    private func put(_ client: Int32, _ text: String) {
        _ = text.withCString { send(client, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
    }
}

/// A gateway that did not get to run for a while, as on a machine that has too much to do.
@Suite struct LatenessTests {
    private static let limit = Duration.seconds(4)

    private static func startGateway(_ folder: ScratchFolder, _ port: Int) throws -> RunningProgram {
        let arguments = ["serve", "--config", folder.path("litellm.yaml"), "--port", "\(port)", "--threads", "1"]
        let gateway = try Program.built("llm-router-gateway", arguments).start()
        try #require(becomesTrue { gateway.errors.contains("listening on") }, "\(gateway.errors)")
        return gateway
    }

    private static func stop(_ gateway: RunningProgram, for time: Duration) {
        gateway.signal(SIGSTOP)
        let end = MonotonicTime.now() + time
        while MonotonicTime.now() < end { usleep(10_000) }
        gateway.signal(SIGCONT)
    }

    /// Ten streams are in the middle, ten have not begun, ten clients are in the middle of a request; then the gateway stands still
    /// for longer than any of them may be silent.
    @Test func `its own lateness is nobody's silence`() async throws {
        let upstream = try ThreadedUpstream()
        let folder = try ScratchFolder()
        let model = "openai/x, api_base: \"http://127.0.0.1:\(upstream.port)/v1\", api_key: k"
        try folder.write(
            "litellm.yaml",
            "model_list:\n  - {model_name: main, litellm_params: {model: \(model)}}\nrouter_settings: {num_retries: 0}\n"
        )
        try folder.write(
            "litellm.gateway.json",
            #"{"gateway":{"timeouts":{"idle":"4s","first_token":"4s","header":"4s","body":"4s"}}}"#)
        let port = try FreePort.find()
        let results = try await RawClient.onThread {
            let gateway = try Self.startGateway(folder, port)
            defer { _ = try? gateway.kill9() }
            let clients = try (0..<30).map { _ in try RawConnection(port: port) }
            for (index, client) in clients.enumerated() {
                let user = index / 10 == 1 ? "late" : "early"
                let body = #"{"model":"main","stream":true,"user":"\#(user)","messages":[]}"#
                let request = RawClient.request("POST", "/v1/chat/completions", body)
                // The last ten stop in the middle of their body.
                try client.send(Array(request.prefix(index < 20 ? request.count : request.count - 9)))
            }
            for client in clients.prefix(10) { #expect(try client.readUntil("before")) }
            #expect(becomesTrue { upstream.requests == 20 })
            Self.stop(gateway, for: Self.limit + .seconds(1))
            upstream.release()
            for client in clients.suffix(10) { try client.send("ages\":[]}") }
            return try clients.map { try $0.receive() }
        }
        for (index, answer) in results.enumerated() {
            #expect(answer.status == 200, "\(index): \(answer.text)")
            #expect(answer.streamedText == (index / 10 == 1 ? "after" : "before after"), "\(index)")
            #expect(answer.events.last == "[DONE]", "\(index)")
        }
        #expect(upstream.requests == 30, "nobody was asked twice")
        upstream.stop()
    }
}
