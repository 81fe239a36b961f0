// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import NIOCore
internal import SystemIO

/// One client's connection: reads requests strictly, one at a time, and writes their answers.
final class ClientConnection: StreamSocketOwner {
    enum State {
        case readingHead
        case readingBody(RequestBody)
        /// An answer is being made; nothing more is read than fits the pipelining bound.
        case responding
        case closed
    }

    /// What a client may send ahead while its request is being answered.
    private static let pipelinedLimit = 64 << 10

    /// Enough for a head and what usually comes with it; of a long body the rest is received into its place.
    private static let receiveBytes = 16 << 10

    let loop: GatewayLoop
    let isAdmin: Bool
    private var socket: StreamSocket?
    var state = State.readingHead
    private var buffered = ByteBuffer()
    private var framing: RequestFraming
    private var exchange: Exchange?
    var keepsAlive = true
    private(set) var requestCount = 0
    /// The place in the loop's list of connections.
    var index = -1
    /// When the loop's tick closes the connection, in attentive time.
    private(set) var deadline = Int64.max
    /// The same for the part of a request that is arriving.
    private var progressDeadline = Int64.max
    private var stalledSince: Int64?
    private var isProcessing = false
    /// The client said that it sends nothing more; it may still want its answers.
    private var isInputClosed = false
    private var isOutputClosed = false
    /// The key that was shown last and the configuration that knew it: a connection's next request rarely has another.
    var shownKey: ShownKey?

    init(loop: GatewayLoop, isAdmin: Bool) {
        self.loop = loop
        self.isAdmin = isAdmin
        self.framing = RequestFraming(limits: loop.limits.head)
    }

    /// Takes over a connected descriptor; closes it when there are too many connections.
    func begin(_ descriptor: Int32) {
        let socket = StreamSocket(
            taking: descriptor, loop: loop.sockets, noticesResets: true, receiveBytes: Self.receiveBytes, owner: self)
        self.socket = socket
        deadline = loop.clock.attentive + loop.limits.headTimeout
        guard loop.add(self) else {
            state = .closed
            return socket.close()
        }
        socket.begin()
    }

    // MARK: What the socket says

    func socketReceived(_ bytes: UnsafeRawBufferPointer) {
        loop.clock.advance()
        if case .closed = state { return }
        buffered.appendArrived(bytes)
        process()
    }

    func socketReceives(_ receive: (UnsafeMutableRawBufferPointer) -> Int) -> Bool {
        guard case .readingBody(let body) = state, buffered.readableBytes == 0 else { return false }
        guard case .length(let remaining) = body.framing, remaining > 0, body.rejection == nil else { return false }
        loop.clock.advance()
        let count = body.receive(remaining, receive)
        guard count > 0 else { return true }
        progressDeadline = loop.clock.attentive + loop.limits.bodyIdleTimeout
        if count > remaining, let first = body.takeLastByte() { buffered.writeInteger(first) }
        body.framing = .length(remaining: max(0, remaining - count))
        if count >= remaining { finish(body) }
        return true
    }

    func socketReceivedAll() {}

    func socketInputEnded() {
        loop.clock.advance()
        isInputClosed = true
        if buffered.readableBytes == 0 { keepsAlive = false }
        switch state {
        case .readingHead, .readingBody: process()
        case .responding where exchange?.request.head.minorVersion == 0:
            // Interim answers mean nothing to HTTP/1.0: who is there cannot be told from who is gone.
            close()
        case .responding: exchange?.clientSentAll()
        case .closed: if isOutputClosed { close() }
        }
    }

    func socketWritabilityChanged() {
        loop.clock.advance()
        let isWritable = self.isWritable
        stalledSince = isWritable ? nil : loop.clock.attentive
        exchange?.clientWritable(isWritable)
    }

    func socketClosed(_ end: SocketEnd) {
        loop.clock.advance()
        socket = nil
        state = .closed
        loop.remove(self)
        let exchange = self.exchange
        self.exchange = nil
        exchange?.clientGone()
    }

    var isWritable: Bool { socket?.isWritable ?? false }

    /// Ends the connection, whatever is going on.
    func close() {
        socket?.close()
    }

    /// Called by the loop's tick.
    func check(now: Int64) {
        if let stalledSince, now - stalledSince > loop.limits.writeStallTimeout {
            close()
            return
        }
        guard now >= min(deadline, progressDeadline) else { return }
        switch state {
        case .readingHead where buffered.readableBytes == 0: close()
        case .readingHead, .readingBody: refuse(.requestTimeout)
        case .responding, .closed: break
        }
    }

    /// Closes an idle connection at once and a busy one after its answer. Who has just connected is about to ask.
    func drain() {
        keepsAlive = false
        guard case .readingHead = state, buffered.readableBytes == 0 else { return }
        if requestCount > 0 {
            close()
        } else {
            deadline = min(deadline, loop.clock.attentive + loop.limits.firstRequestGrace)
        }
    }

    // MARK: Reading requests

    private func process() {
        guard !isProcessing else { return }
        isProcessing = true
        defer { isProcessing = false }
        while true {
            switch state {
            case .readingHead:
                guard buffered.readableBytes > 0, readHead() else { return endIfNothingFollows() }
            case .readingBody(let body):
                guard readBody(body) else { return endIfNothingFollows() }
            case .responding:
                if buffered.readableBytes > Self.pipelinedLimit { socket?.setReading(false) }
                return
            case .closed: return
            }
        }
    }

    /// What is missing of a request never comes when the client closed its side.
    private func endIfNothingFollows() {
        guard isInputClosed else { return }
        switch state {
        case .readingHead, .readingBody:
            state = .closed
            closeAfterFlush()
        case .responding, .closed: break
        }
    }

    private func readHead() -> Bool {
        do throws(FramingError) {
            let head = try buffered.withFramingBytes { bytes throws(FramingError) in try framing.next(bytes) }
            guard let head, let bytes = buffered.readSlice(length: head.byteCount) else {
                if progressDeadline == .max { progressDeadline = loop.clock.attentive + loop.limits.headTimeout }
                return false
            }
            begin(ClientRequest(head: head, headBytes: bytes, receivedAt: loop.now))
            return true
        } catch {
            refuse(.framing(error))
            return false
        }
    }

    private func begin(_ request: ClientRequest) {
        requestCount += 1
        keepsAlive = request.head.keepsAlive && !loop.isDraining
        progressDeadline = .max
        deadline = .max
        let rejection = loop.screen(request, on: self)
        // A body that came together with its head needs no state.
        if case .length(let count) = request.head.body, rejection == nil, count <= loop.limits.bodyBytes,
            !request.head.expectsContinue, let content = buffered.readSlice(length: count)
        {
            request.body = content
            return handle(request)
        }
        let body: RequestBody
        switch request.head.body {
        case .empty, .untilClose:
            return finish(RequestBody(request, .length(remaining: 0), rejection: rejection))
        case .length(let count):
            guard count <= loop.limits.bodyBytes else {
                return refuse(.framing(.bodyTooLarge(limit: loop.limits.bodyBytes)))
            }
            body = RequestBody(request, .length(remaining: count), expectedBytes: count, rejection: rejection)
        case .chunked: body = RequestBody(request, .chunked(ChunkedFraming()), rejection: rejection)
        }
        if request.head.expectsContinue {
            if let rejection {
                keepsAlive = false
                state = .responding
                return fail(rejection, request)
            }
            write(ByteBuffer(staticString: "HTTP/1.1 100 Continue\r\n\r\n"))
            flush()
        }
        deadline = loop.clock.attentive + loop.limits.bodyTimeout
        state = .readingBody(body)
    }

    /// Takes what is there of the body; false when more must come.
    private func readBody(_ body: RequestBody) -> Bool {
        progressDeadline = loop.clock.attentive + loop.limits.bodyIdleTimeout
        switch body.framing {
        case .length(let remaining):
            guard let piece = buffered.readSlice(length: min(remaining, buffered.readableBytes)) else { return false }
            let left = remaining - piece.readableBytes
            append(piece, to: body, isLast: left == 0)
            body.framing = .length(remaining: left)
            if left == 0 { finish(body) }
            return left == 0
        case .chunked(var framing):
            do throws(FramingError) {
                let step = try buffered.withFramingBytes { bytes throws(FramingError) in try framing.next(bytes) }
                body.framing = .chunked(framing)
                return take(step, body)
            } catch {
                refuse(.framing(error), body.request)
                return false
            }
        }
    }

    private func take(_ step: ChunkedFraming.Step, _ body: RequestBody) -> Bool {
        switch step {
        case .incomplete: return false
        case .framing(let count): buffered.moveReaderIndex(forwardBy: count)
        case .content(let count):
            guard body.byteCount + count <= loop.limits.bodyBytes else {
                refuse(.framing(.bodyTooLarge(limit: loop.limits.bodyBytes)), body.request)
                return false
            }
            if let piece = buffered.readSlice(length: count) { append(piece, to: body, isLast: false) }
        case .end(let count):
            buffered.moveReaderIndex(forwardBy: count)
            finish(body)
        }
        return true
    }

    private func append(_ piece: ByteBuffer, to body: RequestBody, isLast: Bool) {
        body.byteCount += piece.readableBytes
        guard body.rejection == nil else { return }
        if body.content.readableBytes == 0, isLast {
            body.content = piece
        } else {
            body.reserve()
            body.content.writeImmutableBuffer(piece)
        }
    }

    private func finish(_ body: RequestBody) {
        deadline = .max
        progressDeadline = .max
        state = .responding
        if let rejection = body.rejection { return fail(rejection, body.request) }
        body.request.body = body.content
        handle(body.request)
    }

    private func handle(_ request: ClientRequest) {
        state = .responding
        loop.handle(request, from: self)
    }

    /// From now on `exchange` hears what becomes of the client.
    func attach(_ exchange: Exchange) {
        self.exchange = exchange
    }

    // MARK: Answers that no exchange makes

    /// Answers a request that cannot be read further, and closes.
    private func refuse(_ error: GatewayError, _ reading: ClientRequest? = nil) {
        keepsAlive = false
        let request: ClientRequest? = if case .readingBody(let body) = state { body.request } else { reading }
        state = .responding
        deadline = .max
        progressDeadline = .max
        loop.noteRefusal(error)
        let answer = error.answer(dialect: request?.dialect ?? .openAI, requestID: request?.id(from: loop))
        respond(answer, to: request)
    }

    private func fail(_ error: GatewayError, _ request: ClientRequest) {
        loop.noteRefusal(error)
        respond(error.answer(dialect: request.dialect, requestID: request.id(from: loop)), to: request)
    }

    /// Writes a whole answer and goes on with the next request.
    func respond(_ answer: Answer, to request: ClientRequest?) {
        var head = answer.head(minorVersion: request?.head.minorVersion ?? 1, keepsAlive: keepsAlive)
        if request?.head.method == .head {
            write(head)
        } else if answer.body.readableBytes <= 8192 {
            head.writeImmutableBuffer(answer.body)
            write(head)
        } else {
            write(head)
            write(answer.body)
        }
        finishAnswer()
    }

    // MARK: What exchanges use

    func write(_ bytes: ByteBuffer) {
        socket?.write(bytes)
    }

    func flush() {
        socket?.flush()
    }

    /// The answer is written: sends it and reads on, or closes.
    func finishAnswer() {
        exchange = nil
        guard case .responding = state else { return }
        if loop.isDraining || isInputClosed && buffered.readableBytes == 0 { keepsAlive = false }
        guard keepsAlive, socket?.isOpen ?? false else {
            state = .closed
            closeAfterFlush()
            return
        }
        flush()
        state = .readingHead
        deadline = loop.clock.attentive + loop.limits.keepAliveTimeout
        if buffered.readableBytes == 0 { buffered = ByteBuffer() }
        socket?.setReading(true)
        if buffered.readableBytes > 0, !isProcessing { process() }
    }

    /// Gives the client a moment to read what was written: closing with unread input would reset the connection under it.
    private func closeAfterFlush() {
        socket?.afterSending { [self] in
            if isInputClosed {
                close()
            } else {
                isOutputClosed = true
                socket?.endOutput()
                loop.closeLater(self)
            }
        }
    }
}
