// SPDX-License-Identifier: MIT

import JSONSyntax
import StandInHTTP
import SystemIO
import TestSupport
import Testing

/// A gateway that did not get to run for a while, as on a machine that has too much to do.
@Suite struct LatenessTests {
    private static let idle = Duration.milliseconds(1500)

    private static func startGateway(_ folder: ScratchFolder, _ port: Int) throws -> RunningProgram {
        let arguments = ["serve", "--config", folder.path("litellm.yaml"), "--port", "\(port)", "--threads", "1"]
        let gateway = try Program.built("llm-router-gateway", arguments).start()
        try #require(waits { gateway.errors.contains("listening on") }, "\(gateway.errors)")
        return gateway
    }

    private static func stop(_ gateway: RunningProgram, for time: Duration) {
        gateway.signal(19)
        let end = MonotonicTime.now() + time
        _ = becomesTrue(within: time + .seconds(1)) { MonotonicTime.now() >= end }
        gateway.signal(18)
    }

    /// Ten streams are in the middle, ten have not begun, ten clients are in the middle of a request; then the gateway stands still
    /// for longer than any of them may be silent.
    @Test func `its own lateness is nobody's silence`() async throws {
        let mayGoOn = Flag(false)
        let upstream = try await StandInServer.start { request in
            let hasBegun = request.json?["user"] != "late"
            let (stream, feed) = AsyncStream<[UInt8]>.makeStream()
            Task {
                if hasBegun { feed.yield(Array(Scripted.chunk("before ").utf8)) }
                while !mayGoOn.value { try? await Task.sleep(for: .milliseconds(5)) }
                feed.yield(Array((Scripted.chunk("after", finish: "stop") + Scripted.done).utf8))
                feed.finish()
            }
            return StandInResponse(
                headers: [("Content-Type", "text/event-stream")], body: .live(stream), framing: .chunked)
        }
        let folder = try ScratchFolder()
        try folder.write("litellm.yaml", Scripted.config(upstream, nil, settings: "num_retries: 0"))
        try folder.write(
            "litellm.gateway.json",
            #"{"gateway":{"timeouts":{"idle":"1500ms","first_token":"1500ms","header":"1500ms","body":"1500ms"}}}"#)
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
            #expect(waits { upstream.requests.count == 20 })
            Self.stop(gateway, for: Self.idle + .seconds(1))
            mayGoOn.value = true
            for client in clients.suffix(10) { try client.send(Array("ages\":[]}".utf8.suffix(9))) }
            return try clients.map { try $0.receive() }
        }
        for (index, answer) in results.enumerated() {
            #expect(answer.status == 200, "\(index): \(answer.text)")
            #expect(answer.streamedText == (index / 10 == 1 ? "after" : "before after"), "\(index)")
            #expect(answer.events.last == "[DONE]", "\(index)")
        }
        #expect(upstream.requests.count == 30, "nobody was asked twice")
        await upstream.stop()
    }
}
