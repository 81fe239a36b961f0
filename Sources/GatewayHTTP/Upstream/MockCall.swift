// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import JSONSyntax
internal import NIOCore
internal import SystemIO

/// A provider that needs no network and no key: answers from a script that is part of the model's name.
final class MockCall: UpstreamCall {
    private weak var loop: GatewayLoop?
    private var receiver: (any UpstreamReceiver)?
    private var timer: TimerQueue.ID?
    private var steps: [MockScript.Step]
    private var isReading = true
    private var next = 0

    init(
        model: String, surface: Surface, body: ByteBuffer, requestID: String, loop: GatewayLoop,
        receiver: any UpstreamReceiver
    ) {
        self.loop = loop
        self.receiver = receiver
        let request = MockRequest(
            model: model, surface: surface, body: Array(body.readableBytesView), requestID: requestID)
        steps = MockScript(request, draw: loop.shared.mockDraws.next).steps
        schedule(after: .zero)
    }

    /// Plays fixed steps, for answers that the gateway makes in a deployment's place.
    init(steps: [MockScript.Step], loop: GatewayLoop, receiver: any UpstreamReceiver) {
        self.loop = loop
        self.receiver = receiver
        self.steps = steps
        schedule(after: .zero)
    }

    func cancel() {
        receiver = nil
        if let timer { loop?.sockets.descriptors.cancel(timer) }
        timer = nil
    }

    func letGo() {
        cancel()
    }

    func setReading(_ isReading: Bool) {
        guard self.isReading != isReading else { return }
        self.isReading = isReading
        if isReading, timer == nil { schedule(after: .zero) }
    }

    private func schedule(after delay: Duration) {
        guard let loop else { return }
        timer = loop.sockets.descriptors.after(delay) { [self, loop] in
            timer = nil
            loop.clock.advance()
            perform()
        }
    }

    /// Performs steps until one waits.
    private func perform() {
        if next == 0 { receiver?.upstreamConnected() }
        while next < steps.count, let receiver, isReading {
            let step = steps[next]
            next += 1
            switch step {
            case .wait(let delay):
                receiver.upstreamPause()
                return schedule(after: delay)
            case .head(let status, let headers): receiver.upstreamHead(Self.head(status, headers))
            case .body(let bytes): receiver.upstreamBody(ByteBuffer(bytes: bytes))
            case .end:
                self.receiver = nil
                receiver.upstreamEnd()
            case .fail(let failure):
                self.receiver = nil
                receiver.upstreamFailed(failure)
            case .silence: return
            }
        }
        receiver?.upstreamPause()
    }

    private static func head(_ status: Int, _ headers: [(String, String)]) -> UpstreamHead {
        var bytes = ByteBuffer()
        bytes.writeStatusLine(status)
        for (name, value) in headers { bytes.writeString("\(name): \(value)\r\n") }
        bytes.writeStaticString("content-length: 0\r\n\r\n")
        var framing = ResponseFraming()
        let head = try? bytes.withFramingBytes { bytes throws(FramingError) in try framing.next(bytes) }
        guard let head else { preconditionFailure("the mock provider writes valid heads") }
        return UpstreamHead(head: head, bytes: bytes)
    }
}
