// SPDX-License-Identifier: MIT

internal import NIOCore
internal import SystemIO

/// Who hears what becomes of a connection; all of it on the thread of the connection's loop.
protocol StreamSocketOwner: AnyObject {
    /// Bytes came. The memory is used again after the call.
    func socketReceived(_ bytes: UnsafeRawBufferPointer)
    /// Where the owner knows the place for what comes, it calls `receive` with it, which says how many bytes came; else it
    /// returns false and gets them by `socketReceived`.
    func socketReceives(_ receive: (UnsafeMutableRawBufferPointer) -> Int) -> Bool
    /// What was there has been delivered.
    func socketReceivedAll()
    /// The other side sends nothing more. It may still read, or have left: only writing tells.
    func socketInputEnded()
    /// More or less waits to be sent than is good to hold.
    func socketWritabilityChanged()
    /// The last word.
    func socketClosed(_ end: SocketEnd)
}

extension StreamSocketOwner {
    func socketReceives(_ receive: (UnsafeMutableRawBufferPointer) -> Int) -> Bool { false }
}

/// How a connection ended.
enum SocketEnd: Equatable {
    /// One of the two sides closed it.
    case closed
    /// It broke: a reset, or a fault of TLS with its words.
    case failed(String?)
}

/// What the connections of one loop share.
final class SocketLoop {
    fileprivate static let scratchBytes = 64 << 10

    let descriptors: DescriptorLoop
    fileprivate let scratch: UnsafeMutableRawBufferPointer

    init(_ descriptors: DescriptorLoop) {
        self.descriptors = descriptors
        scratch = .allocate(byteCount: Self.scratchBytes, alignment: 16)
    }

    deinit {
        scratch.deallocate()
    }
}

/// One connection: delivers what comes, sends what is written, and knows when the other side is slower than we are.
///
/// The loop reports only news (edge-triggered), so neither a pause in reading nor a full send buffer costs a system call:
/// what was reported is remembered until it is used up.
final class StreamSocket {
    /// More than this unsent, and the owner should write no more; less than the half, and it may again.
    private static let unsentLimit = 64 << 10

    /// Calls in a row for one connection, before others have their turn.
    private static let receivesInARow = 4

    private let loop: SocketLoop
    private let noticesResets: Bool
    private let receiveBytes: Int
    private let tls: TLSSession?
    private var owner: (any StreamSocketOwner)?
    /// -1 when closed.
    private var descriptor: Int32
    private var token: DescriptorLoop.Token?
    /// There may be something to receive.
    private var hasInput = false
    private var sawHangup = false
    private var isInputEnded = false
    private var isReceiving = false
    private var wantsInput = true
    /// What is written and not sent, from `sentPieces` on; of the first piece what is left.
    private var pieces: [ByteBuffer] = []
    private var sentPieces = 0
    private var unsentBytes = 0
    /// The system takes nothing more until it says so.
    private var isBlocked = false
    private(set) var isWritable = true
    private var whenSent: (() -> Void)?

    /// Takes over a connected descriptor.
    ///
    /// - Parameter noticesResets: whether a reset is heard of while nothing is read. Who wants the rest of an answer first
    ///   says no.
    /// - Parameter receiveBytes: the most that one call takes.
    init(
        taking descriptor: Int32, loop: SocketLoop, tls: TLSSession? = nil, noticesResets: Bool, receiveBytes: Int,
        owner: any StreamSocketOwner
    ) {
        self.descriptor = descriptor
        self.loop = loop
        self.tls = tls
        self.noticesResets = noticesResets
        self.receiveBytes = min(receiveBytes, SocketLoop.scratchBytes)
        self.owner = owner
    }

    /// Begins to listen to the connection.
    func begin() {
        do throws(SystemError) {
            token = try loop.descriptors.add(descriptor, [.readable, .writable, .onlyNews]) { [self] in handle($0) }
        } catch {
            return shut(.failed(nil))
        }
        if let tls {
            tls.begin()
            exchangeTLS(tls)
        }
    }

    var isOpen: Bool { descriptor >= 0 }

    // MARK: Receiving

    /// Stops or continues to deliver; what comes in a pause stays with the system, which slows the other side down.
    func setReading(_ wanted: Bool) {
        guard wanted != wantsInput else { return }
        wantsInput = wanted
        if wanted, hasInput, !isReceiving { receiveSoon() }
    }

    private func handle(_ ready: DescriptorLoop.Readiness) {
        if ready.contains(.writable), isBlocked {
            isBlocked = false
            sendPieces()
        }
        if ready.contains(.hangup) {
            sawHangup = true
            if noticesResets, !wantsInput || isInputEnded {
                let code = NonBlockingSocket.error(of: descriptor)
                if code != 0 { return shut(.failed(nil)) }
            }
        } else if !ready.contains(.readable) {
            return
        }
        hasInput = true
        receive()
    }

    private func receiveSoon() {
        loop.descriptors.at(MonotonicTime.now()) { [weak self] in self?.receive() }
    }

    private func receive() {
        guard !isReceiving else { return }
        isReceiving = true
        defer { isReceiving = false }
        var count = 0
        while wantsInput, hasInput, isOpen, !isInputEnded {
            guard count < Self.receivesInARow else {
                receiveSoon()
                break
            }
            count += 1
            receiveOnce()
        }
        if count > 0 { owner?.socketReceivedAll() }
    }

    private func receiveOnce() {
        var outcome = NonBlockingSocket.Outcome.wouldBlock
        if tls == nil, let owner,
            owner.socketReceives({ memory in
                outcome = receive(into: memory)
                if case .moved(let count) = outcome { return count }
                return 0
            })
        {
            return conclude(outcome)
        }
        let memory = UnsafeMutableRawBufferPointer(rebasing: loop.scratch[..<receiveBytes])
        outcome = receive(into: memory)
        if case .moved(let count) = outcome { deliver(UnsafeRawBufferPointer(rebasing: memory[..<count])) }
        conclude(outcome)
    }

    private func receive(into memory: UnsafeMutableRawBufferPointer) -> NonBlockingSocket.Outcome {
        let outcome = NonBlockingSocket.receive(from: descriptor, into: memory)
        switch outcome {
        // Less than there was room for is all there is; what comes later is news. After a hangup there is no news.
        case .moved(let count): hasInput = count == memory.count || sawHangup
        case .wouldBlock, .ended, .failed: hasInput = false
        }
        return outcome
    }

    private func conclude(_ outcome: NonBlockingSocket.Outcome) {
        switch outcome {
        case .moved, .wouldBlock: break
        case .ended:
            isInputEnded = true
            if let tls { finish(tls) } else { owner?.socketInputEnded() }
        case .failed: shut(.failed(nil))
        }
    }

    private func deliver(_ bytes: UnsafeRawBufferPointer) {
        guard let tls else {
            owner?.socketReceived(bytes)
            return
        }
        tls.received(bytes)
        exchangeTLS(tls)
    }

    // MARK: Sending

    /// Takes bytes to be sent; `flush` sends them.
    func write(_ bytes: ByteBuffer) {
        guard isOpen, bytes.readableBytes > 0 else { return }
        guard let tls else { return append(bytes) }
        tls.write(bytes)
    }

    private func append(_ bytes: ByteBuffer) {
        pieces.append(bytes)
        unsentBytes += bytes.readableBytes
        // Who writes much at once does not have to flush for its memory's sake.
        if unsentBytes > Self.unsentLimit, !isBlocked { sendPieces() }
    }

    func flush() {
        if let tls, isOpen { collectOutput(of: tls) }
        sendPieces()
    }

    /// Calls `body` when everything written is sent; never when the connection ends before that.
    func afterSending(_ body: @escaping () -> Void) {
        flush()
        if unsentBytes == 0 { body() } else { whenSent = body }
    }

    /// Tells the other side that nothing more comes.
    func endOutput() {
        guard isOpen else { return }
        NonBlockingSocket.endOutput(descriptor)
    }

    private func sendPieces() {
        while !isBlocked, isOpen, sentPieces < pieces.count {
            switch sendOnce() {
            case .moved(let count): take(count)
            case .wouldBlock: isBlocked = true
            case .ended, .failed: return shut(.failed(nil))
            }
        }
        if sentPieces > 0 { forgetSent() }
        noteWritability()
        if unsentBytes == 0, let whenSent {
            self.whenSent = nil
            whenSent()
        }
    }

    private func sendOnce() -> NonBlockingSocket.Outcome {
        let next = sentPieces + 1 < pieces.count ? pieces[sentPieces + 1] : nil
        return pieces[sentPieces].withUnsafeReadableBytes { first in
            guard let next else { return NonBlockingSocket.send(first, to: descriptor) }
            return next.withUnsafeReadableBytes { NonBlockingSocket.send(first, $0, to: descriptor) }
        }
    }

    private func take(_ count: Int) {
        unsentBytes -= count
        var left = count
        while left > 0 {
            let size = pieces[sentPieces].readableBytes
            guard left >= size else {
                pieces[sentPieces].moveReaderIndex(forwardBy: left)
                return
            }
            left -= size
            // What was sent is not held until the rest is.
            pieces[sentPieces] = ByteBuffer()
            sentPieces += 1
        }
    }

    private func forgetSent() {
        if sentPieces == pieces.count {
            pieces.removeAll(keepingCapacity: pieces.count <= 4)
        } else {
            pieces.removeFirst(sentPieces)
        }
        sentPieces = 0
    }

    private func noteWritability() {
        let isGood = isWritable ? unsentBytes <= Self.unsentLimit : unsentBytes <= Self.unsentLimit / 2
        guard isGood != isWritable, isOpen else { return }
        isWritable = isGood
        owner?.socketWritabilityChanged()
    }

    // MARK: TLS

    private func exchangeTLS(_ tls: TLSSession) {
        collectOutput(of: tls)
        sendPieces()
        while isOpen, let bytes = tls.takeInput() {
            bytes.withUnsafeReadableBytes { owner?.socketReceived($0) }
        }
        if tls.isEnded { finish(tls) }
    }

    private func collectOutput(of tls: TLSSession) {
        while let bytes = tls.takeOutput() { append(bytes) }
    }

    /// The other side has ended the session, or the connection under it.
    private func finish(_ tls: TLSSession) {
        guard isOpen else { return }
        isInputEnded = true
        if !tls.isEnded { tls.endInput() }
        while isOpen, let bytes = tls.takeInput() {
            bytes.withUnsafeReadableBytes { owner?.socketReceived($0) }
        }
        if let problem = tls.problem { shut(.failed(problem)) } else { owner?.socketInputEnded() }
    }

    // MARK: The end

    /// Closes at once; what is not sent is lost.
    func close() {
        shut(.closed)
    }

    private func shut(_ end: SocketEnd) {
        guard isOpen else { return }
        if let tls {
            tls.end()
            collectOutput(of: tls)
            if !isBlocked, sentPieces < pieces.count { _ = sendOnce() }
        }
        if let token { loop.descriptors.remove(token) }
        NonBlockingSocket.close(descriptor)
        descriptor = -1
        pieces = []
        sentPieces = 0
        unsentBytes = 0
        whenSent = nil
        // Whoever closes may be in the middle of something.
        loop.descriptors.atEndOfTurn { [self] in
            let owner = self.owner
            self.owner = nil
            owner?.socketClosed(end)
        }
    }
}
