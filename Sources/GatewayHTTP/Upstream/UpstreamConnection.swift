// SPDX-License-Identifier: MIT

internal import NIOCore

/// One connection to an upstream: a call at a time, then back to its pool.
final class UpstreamConnection: ChannelInboundHandler, UpstreamCall {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Body {
        case none
        case length(remaining: Int)
        case chunked(ChunkedFraming)
        case untilClose
    }

    private enum State {
        case idle
        case awaitingHead
        case body(Body, keepsAlive: Bool)
        case closed
    }

    private unowned let pool: UpstreamPool
    private(set) var channel: (any Channel)?
    private var context: ChannelHandlerContext?
    private var isReading = true
    private var state = State.idle
    private var framing = ResponseFraming()
    private var buffered = ByteBuffer()
    private var receiver: (any UpstreamReceiver)?
    private var callCount = 0
    private var hasBytesOfAnswer = false
    /// Interim answers to the call; an upstream that sends nothing else is no use.
    private var interimAnswers = 0
    private static let interimAnswerLimit = 32
    private var tlsProblem: String?
    /// When the connection went back to the pool.
    var idleSince: Int64 = 0

    init(pool: UpstreamPool) {
        self.pool = pool
    }

    func handlerAdded(context: ChannelHandlerContext) {
        channel = context.channel
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    var isUsable: Bool {
        if case .idle = state { context != nil } else { false }
    }

    /// Sends a request whose answer goes to `receiver`.
    func send(_ first: ByteBuffer, _ rest: ByteBuffer?, to receiver: any UpstreamReceiver) {
        guard let context else { return receiver.upstreamFailed(.connectFailed) }
        callCount += 1
        hasBytesOfAnswer = false
        interimAnswers = 0
        self.receiver = receiver
        state = .awaitingHead
        if let rest {
            context.write(wrapOutboundOut(first), promise: nil)
            context.writeAndFlush(wrapOutboundOut(rest), promise: nil)
        } else {
            context.writeAndFlush(wrapOutboundOut(first), promise: nil)
        }
    }

    func cancel() {
        receiver = nil
        guard case .closed = state else {
            state = .closed
            channel?.close(promise: nil)
            return
        }
    }

    func letGo() {
        receiver = nil
        switch state {
        case .body(.chunked, keepsAlive: true), .body(.length, keepsAlive: true):
            setReading(true)
            pool.await(self)
        // All of it is here: what reads it now gives the connection back.
        case .body(.none, keepsAlive: true), .idle, .closed: break
        case .awaitingHead, .body: cancel()
        }
    }

    func setReading(_ isReading: Bool) {
        guard isReading != self.isReading, let channel, channel.isActive else { return }
        self.isReading = isReading
        try? channel.syncOptions?.setOption(ChannelOptions.autoRead, value: isReading)
        if isReading { channel.read() }
    }

    // MARK: Channel events

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        pool.clock.advance()
        buffered.appendArrived(unwrapInboundIn(data))
        process()
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        receiver?.upstreamPause()
    }

    func channelInactive(context: ChannelHandlerContext) {
        pool.clock.advance()
        let previous = state
        state = .closed
        pool.forget(self)
        let receiver = take()
        switch previous {
        case .idle, .closed: break
        case .awaitingHead:
            if let tlsProblem {
                receiver?.upstreamFailed(.tls(tlsProblem))
            } else {
                let isStale = callCount > 1 && !hasBytesOfAnswer
                receiver?.upstreamFailed(isStale ? .staleConnection : .closedBeforeHead)
            }
        case .body(.untilClose, _): receiver?.upstreamEnd()
        case .body: receiver?.upstreamFailed(.cut)
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A reset arrives here as well; it only means that the connection is gone.
        if let words = UpstreamTLS.problem(in: error) { tlsProblem = words }
        if case .body(.untilClose, _) = state { state = .body(.none, keepsAlive: false) }
        context.close(promise: nil)
    }

    // MARK: Reading answers

    private func process() {
        while true {
            switch state {
            case .idle:
                // Nothing was asked, so nothing may be said.
                if buffered.readableBytes > 0 { channel?.close(promise: nil) }
                return
            case .closed: return
            case .awaitingHead:
                guard buffered.readableBytes > 0, readHead() else { return }
            case .body(let body, let keepsAlive):
                guard readBody(body, keepsAlive) else { return }
            }
        }
    }

    private func readHead() -> Bool {
        hasBytesOfAnswer = true
        do throws(FramingError) {
            let head = try buffered.withFramingBytes { bytes throws(FramingError) in try framing.next(bytes) }
            guard let head, let bytes = buffered.readSlice(length: head.byteCount) else { return false }
            if head.status < 200 {
                interimAnswers += 1
                guard interimAnswers <= Self.interimAnswerLimit else { throw .tooManyInterimAnswers }
                return true
            }
            let body: Body =
                switch head.body {
                case .empty: .none
                case .length(let count): .length(remaining: count)
                case .chunked: .chunked(ChunkedFraming())
                case .untilClose: .untilClose
                }
            state = .body(body, keepsAlive: head.keepsAlive)
            receiver?.upstreamHead(UpstreamHead(head: head, bytes: bytes))
            return true
        } catch {
            fail(.malformed(error))
            return false
        }
    }

    /// Delivers what is there of the body; false when more must come or the call is over.
    private func readBody(_ body: Body, _ keepsAlive: Bool) -> Bool {
        switch body {
        case .none:
            finish(keepsAlive)
            return false
        case .untilClose:
            guard let piece = buffered.readSlice(length: buffered.readableBytes), piece.readableBytes > 0 else {
                return false
            }
            receiver?.upstreamBody(piece)
            return false
        case .length(let remaining):
            let count = min(remaining, buffered.readableBytes)
            guard count > 0, let piece = buffered.readSlice(length: count) else { return false }
            state = .body(count == remaining ? .none : .length(remaining: remaining - count), keepsAlive: keepsAlive)
            receiver?.upstreamBody(piece)
            return true
        case .chunked(let framing): return readChunks(framing, keepsAlive)
        }
    }

    /// Delivers the contents of all chunks that are there as one piece, since what reads them costs per piece.
    private func readChunks(_ current: ChunkedFraming, _ keepsAlive: Bool) -> Bool {
        var framing = current
        var content = ByteBuffer()
        var isEnd = false
        var problem: FramingError?
        do throws(FramingError) {
            var isReading = true
            while isReading {
                switch try buffered.withFramingBytes({ bytes throws(FramingError) in try framing.next(bytes) }) {
                case .incomplete: isReading = false
                case .framing(let count): buffered.moveReaderIndex(forwardBy: count)
                case .content(let count): take(count, into: &content)
                case .end(let count):
                    buffered.moveReaderIndex(forwardBy: count)
                    isEnd = true
                    isReading = false
                }
            }
        } catch {
            problem = error
        }
        state = .body(isEnd ? .none : .chunked(framing), keepsAlive: keepsAlive)
        if content.readableBytes > 0 { receiver?.upstreamBody(content) }
        guard let problem else { return isEnd }
        if case .body = state { fail(.malformed(problem)) }
        return false
    }

    private func take(_ count: Int, into content: inout ByteBuffer) {
        guard let piece = buffered.readSlice(length: count) else { return }
        guard content.readableBytes > 0 else {
            content = piece
            return
        }
        content.reserveCapacity(minimumWritableBytes: count + buffered.readableBytes)
        content.writeImmutableBuffer(piece)
    }

    private func finish(_ keepsAlive: Bool) {
        let receiver = take()
        if keepsAlive, buffered.readableBytes == 0, context != nil {
            state = .idle
            buffered = ByteBuffer()
            setReading(true)
            pool.giveBack(self)
        } else {
            state = .closed
            channel?.close(promise: nil)
        }
        receiver?.upstreamEnd()
    }

    private func fail(_ failure: TransportFailure) {
        state = .closed
        let receiver = take()
        channel?.close(promise: nil)
        receiver?.upstreamFailed(failure)
    }

    private func take() -> (any UpstreamReceiver)? {
        defer { receiver = nil }
        return receiver
    }
}

extension ByteBuffer {
    /// The readable bytes, for readers with typed errors.
    func withFramingBytes<Result>(
        _ body: (UnsafeRawBufferPointer) throws(FramingError) -> Result
    ) throws(FramingError) -> Result {
        let outcome = withUnsafeReadableBytes { bytes in
            Swift.Result { () throws(FramingError) in try body(bytes) }
        }
        return try outcome.get()
    }
}
