// SPDX-License-Identifier: MIT

internal import NIOCore

/// One connection to an upstream: a call at a time, then back to its pool.
final class UpstreamConnection: UpstreamCall, StreamSocketOwner {
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

    /// Answers may be long.
    private static let receiveBytes = 64 << 10

    private unowned let pool: UpstreamPool
    private var socket: StreamSocket?
    private var state = State.idle
    private var framing = ResponseFraming()
    private var buffered = ByteBuffer()
    private var receiver: (any UpstreamReceiver)?
    private var callCount = 0
    private var hasBytesOfAnswer = false
    /// Interim answers to the call; an upstream that sends nothing else is no use.
    private var interimAnswers = 0
    private static let interimAnswerLimit = 32
    /// When the connection went back to the pool.
    var idleSince: Int64 = 0

    /// Takes over a connected descriptor.
    init(_ descriptor: Int32, tls: TLSSession?, pool: UpstreamPool, loop: SocketLoop) {
        self.pool = pool
        let socket = StreamSocket(
            taking: descriptor, loop: loop, tls: tls, noticesResets: false, receiveBytes: Self.receiveBytes, owner: self
        )
        self.socket = socket
        socket.begin()
    }

    var isUsable: Bool {
        if case .idle = state { socket?.isOpen ?? false } else { false }
    }

    /// Sends a request whose answer goes to `receiver`.
    func send(_ first: ByteBuffer, _ rest: ByteBuffer?, to receiver: any UpstreamReceiver) {
        guard let socket, socket.isOpen else { return receiver.upstreamFailed(.connectFailed) }
        callCount += 1
        hasBytesOfAnswer = false
        interimAnswers = 0
        self.receiver = receiver
        state = .awaitingHead
        socket.write(first)
        if let rest { socket.write(rest) }
        socket.flush()
    }

    func cancel() {
        receiver = nil
        close()
    }

    /// Ends the connection; who was called hears nothing more.
    private func close() {
        state = .closed
        socket?.close()
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
        socket?.setReading(isReading)
    }

    // MARK: What the socket says

    func socketReceived(_ bytes: UnsafeRawBufferPointer) {
        pool.clock.advance()
        buffered.appendArrived(bytes)
        process()
    }

    func socketReceivedAll() {
        receiver?.upstreamPause()
    }

    /// An answer that its sender's end does not end was cut off, and a connection on which nothing comes is of no use.
    func socketInputEnded() {
        pool.clock.advance()
        if case .body(.untilClose, _) = state {
            let receiver = take()
            close()
            receiver?.upstreamEnd()
        } else {
            socket?.close()
        }
    }

    func socketWritabilityChanged() {}

    func socketClosed(_ end: SocketEnd) {
        pool.clock.advance()
        socket = nil
        let previous = state
        state = .closed
        pool.forget(self)
        let receiver = take()
        switch previous {
        case .idle, .closed: break
        case .awaitingHead:
            let isStale = callCount > 1 && !hasBytesOfAnswer
            if case .failed(.some(let words)) = end, !isStale {
                receiver?.upstreamFailed(.tls(words))
            } else {
                receiver?.upstreamFailed(isStale ? .staleConnection : .closedBeforeHead)
            }
        case .body: receiver?.upstreamFailed(.cut)
        }
    }

    // MARK: Reading answers

    private func process() {
        while true {
            switch state {
            case .idle:
                // Nothing was asked, so nothing may be said.
                if buffered.readableBytes > 0 { close() }
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
        if keepsAlive, buffered.readableBytes == 0, socket?.isOpen ?? false {
            state = .idle
            buffered = ByteBuffer()
            setReading(true)
            pool.giveBack(self)
        } else {
            close()
        }
        receiver?.upstreamEnd()
    }

    private func fail(_ failure: TransportFailure) {
        let receiver = take()
        close()
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
