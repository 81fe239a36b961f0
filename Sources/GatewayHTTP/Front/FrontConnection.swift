// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import SystemIO

/// One client of a front: each request goes to whoever the target names at that moment, over a connection of its own.
///
/// A connection a request means that what runs on the old process ends there, and that nothing is ever sent on a
/// connection which the other side is just closing. Against the milliseconds of LiteLLM it costs nothing.
final class FrontConnection: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case idle
        /// Nothing has been sent yet: what came of the request waits here.
        case connecting(parts: [HTTPServerRequestPart], giveUpAt: MonotonicTime)
        case forwarding(any Channel)
        /// Answered before the request was whole; the connection closes.
        case refused
    }

    /// Sent through the pipeline when the front drains.
    struct Drain: Sendable {}

    /// Between two attempts to reach a process that starts again.
    private static let retryPause = TimeAmount.milliseconds(50)
    /// How long a client may still send what nobody reads, so that it sees its answer before the connection ends.
    private static let lingering = TimeAmount.seconds(1)

    private let target: FrontTarget
    private let patience: Duration
    private var state = State.idle
    private var isResponseBegun = false
    private var isRequestWhole = false
    private var keepsAlive = true
    /// The request wants a head only, or speaks HTTP/1.0; its answer is then ended by the connection's end.
    private var isHead = false
    private var isOldClient = false
    private var isDraining = false
    private var context: ChannelHandlerContext?

    /// - Parameter patience: how long a request waits for a process that does not accept connections.
    init(target: FrontTarget, patience: Duration) {
        self.target = target
        self.patience = patience
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    // MARK: From the client

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let part = unwrapInboundIn(data)
        if case .head(var head) = part { return begin(&head, context) }
        if case .end = part { isRequestWhole = true }
        switch state {
        case .connecting(var parts, let giveUpAt):
            parts.append(part)
            state = .connecting(parts: parts, giveUpAt: giveUpAt)
        case .forwarding(let upstream): send(part, to: upstream)
        case .idle, .refused: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if case .forwarding(let upstream) = state { upstream.flush() }
        context.fireChannelReadComplete()
    }

    private func begin(_ head: inout HTTPRequestHead, _ context: ChannelHandlerContext) {
        isResponseBegun = false
        isRequestWhole = false
        keepsAlive = head.isKeepAlive
        isHead = head.method == .HEAD
        isOldClient = head.version == .http1_0
        if !isOldClient, head.headers["expect"].map({ $0.lowercased() }) == ["100-continue"] {
            head.headers.remove(name: "expect")
            context.writeAndFlush(
                wrapOutboundOut(.head(HTTPResponseHead(version: head.version, status: .continue))), promise: nil)
        }
        head.headers.removeHopByHop()
        head.headers.add(name: "connection", value: "close")
        state = .connecting(parts: [.head(head)], giveUpAt: MonotonicTime.now() + patience)
        setReading(false)
        connect()
    }

    private func connect() {
        guard let context else { return }
        guard let address = target.address() else { return retry() }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        ClientBootstrap(group: context.eventLoop)
            .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .connectTimeout(.seconds(5))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHTTPClientHandlers()
                    try channel.pipeline.syncOperations.addHandler(FrontRelay(front: bound.value))
                }
            }
            .connect(host: address.host, port: address.port)
            .whenComplete { result in
                switch result {
                case .success(let channel): bound.value.connected(channel)
                case .failure: bound.value.retry()
                }
            }
    }

    private func retry() {
        guard case .connecting(_, let giveUpAt) = state, let context else { return }
        guard MonotonicTime.now() < giveUpAt else {
            return refuse(.serviceUnavailable, "nothing behind this address accepts connections")
        }
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: Self.retryPause) { bound.value.connect() }
    }

    private func connected(_ channel: any Channel) {
        guard case .connecting(let parts, _) = state, context != nil else {
            return channel.close(promise: nil)
        }
        state = .forwarding(channel)
        for part in parts { send(part, to: channel) }
        channel.flush()
        setReading(channel.isWritable)
    }

    private func send(_ part: HTTPServerRequestPart, to upstream: any Channel) {
        switch part {
        case .head(let head): upstream.write(HTTPClientRequestPart.head(head), promise: nil)
        case .body(let bytes): upstream.write(HTTPClientRequestPart.body(.byteBuffer(bytes)), promise: nil)
        case .end(let trailers): upstream.write(HTTPClientRequestPart.end(trailers), promise: nil)
        }
    }

    // MARK: From the other side

    func received(_ part: HTTPClientResponsePart) {
        guard case .forwarding(let upstream) = state, let context else { return }
        switch part {
        case .head(let head) where head.status == .switchingProtocols:
            state = .idle
            upstream.close(promise: nil)
            refuse(.badGateway, "the answer switches to a protocol that nobody asked for")
        case .head(var head):
            isResponseBegun = true
            head.headers.removeHopByHop()
            keepsAlive = keepsAlive && isRequestWhole && !isDraining
            head.version = isOldClient ? .http1_0 : .http1_1
            if !head.headers.contains(name: "content-length"), isHead || isOldClient {
                // What has no length is framed by chunks, or by the end of the connection where there are none.
                keepsAlive = false
                if isOldClient { head.headers.remove(name: "transfer-encoding") }
            }
            if !keepsAlive { head.headers.add(name: "connection", value: "close") }
            context.write(wrapOutboundOut(.head(head)), promise: nil)
        case .body(let bytes): context.write(wrapOutboundOut(.body(.byteBuffer(bytes))), promise: nil)
        case .end(let trailers):
            state = .idle
            upstream.close(promise: nil)
            finish(context, trailers)
        }
    }

    func receivedAll() { context?.flush() }

    func upstreamIsWritable(_ isWritable: Bool) {
        if case .forwarding = state { setReading(isWritable) }
    }

    /// The other side closed, or broke, before its answer was whole.
    func upstreamEnded() {
        guard case .forwarding = state else { return }
        if isResponseBegun {
            state = .refused
            context?.close(promise: nil)
        } else {
            refuse(.badGateway, "the connection was closed before an answer came")
        }
    }

    // MARK: Answers

    private func refuse(_ status: HTTPResponseStatus, _ words: String) {
        guard let context else { return }
        state = .refused
        keepsAlive = false
        let error: JSONValue = [
            "message": .string(words), "type": "service_unavailable_error", "param": .null,
            "code": .string(String(status.code)),
        ]
        let body = ByteBuffer(bytes: JSONWriter.bytes(of: ["error": error]))
        var headers = HTTPHeaders([("content-type", "application/json"), ("connection", "close")])
        headers.add(name: "content-length", value: String(body.readableBytes))
        if status == .serviceUnavailable { headers.add(name: "retry-after", value: "1") }
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        finish(context, nil)
    }

    private func finish(_ context: ChannelHandlerContext, _ trailers: HTTPHeaders?) {
        // Writing the end may bring in a request that was sent ahead, with a wish of its own.
        let isReused = keepsAlive
        guard !isReused else {
            context.writeAndFlush(wrapOutboundOut(.end(trailers)), promise: nil)
            // That request has begun by now, and reads when it is connected.
            if case .idle = state { setReading(true) }
            return
        }
        state = .refused
        let channel = context.channel
        let end: EventLoopFuture<Void>
        if isHead {
            // The encoder would write a last chunk behind a head without a length.
            context.flush()
            end = context.eventLoop.makeSucceededVoidFuture()
        } else {
            end = context.writeAndFlush(wrapOutboundOut(.end(trailers)))
        }
        guard !isRequestWhole else { return end.whenComplete { _ in channel.close(promise: nil) } }
        // Closed with bytes unread, the connection would be reset, and the answer lost with it.
        end.whenComplete { _ in channel.close(mode: .output, promise: nil) }
        setReading(true)
        channel.eventLoop.scheduleTask(in: Self.lingering) { channel.close(promise: nil) }
    }

    private func setReading(_ wanted: Bool) {
        guard let channel = context?.channel, channel.isActive else { return }
        try? channel.syncOptions?.setOption(ChannelOptions.autoRead, value: wanted)
        if wanted { channel.read() }
    }

    // MARK: Channel events

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if case .forwarding(let upstream) = state {
            try? upstream.syncOptions?.setOption(ChannelOptions.autoRead, value: context.channel.isWritable)
            if context.channel.isWritable { upstream.read() }
        }
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is Drain:
            isDraining = true
            if case .idle = state { context.close(promise: nil) }
        case is IdleStateHandler.IdleStateEvent:
            if case .idle = state { context.close(promise: nil) }
        case let event as ChannelEvent where event == .inputClosed: clientSentAll(context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// The client waits for its answer, or it has left: an interim answer finds out, since a connection that nobody holds any
    /// more answers it with a reset. The next piece of an answer that has begun does the same.
    private func clientSentAll(_ context: ChannelHandlerContext) {
        keepsAlive = false
        switch state {
        case .connecting, .forwarding:
            guard isRequestWhole, !isOldClient else { return context.close(promise: nil) }
            if !isResponseBegun {
                let head = HTTPResponseHead(version: .http1_1, status: .continue)
                context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
            }
        case .idle: context.close(promise: nil)
        // Closes by itself when its answer is written.
        case .refused: break
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        if case .forwarding(let upstream) = state { upstream.close(promise: nil) }
        state = .refused
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}

/// The other side of one request.
private final class FrontRelay: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let front: FrontConnection

    init(front: FrontConnection) { self.front = front }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) { front.received(unwrapInboundIn(data)) }

    func channelReadComplete(context: ChannelHandlerContext) { front.receivedAll() }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        front.upstreamIsWritable(context.channel.isWritable)
    }

    func channelInactive(context: ChannelHandlerContext) { front.upstreamEnded() }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
}

extension HTTPHeaders {
    /// Takes out what is about one connection only (RFC 9110 §7.6.1).
    fileprivate mutating func removeHopByHop() {
        // A client's list must not take away what frames or addresses the request.
        let kept = ["content-length", "transfer-encoding", "host", "authorization"]
        for value in self[canonicalForm: "connection"] where !kept.contains(value.lowercased()) {
            remove(name: String(value))
        }
        for name in ["connection", "keep-alive", "proxy-connection", "te", "upgrade"] { remove(name: name) }
    }
}
