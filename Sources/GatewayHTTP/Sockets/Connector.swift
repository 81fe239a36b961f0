// SPDX-License-Identifier: MIT

internal import SystemIO

/// Makes one connection to a host that may have several addresses: each is tried a moment after the one before it, without
/// waiting for that one to fail, and the first that answers is taken (RFC 8305).
final class Connector {
    private static let headStart = Duration.milliseconds(250)

    private let loop: SocketLoop
    private let port: Int
    private var waiting: [String]
    /// Connections that are being made.
    private var attempts: [Attempt] = []
    private var done: ((Result<Int32, TransportFailure>) -> Void)?
    private var nextTimer: TimerQueue.ID?
    private var lastTimer: TimerQueue.ID?
    private var lastFailure = TransportFailure.connectFailed

    private struct Attempt {
        let descriptor: Int32
        let token: DescriptorLoop.Token
    }

    /// Calls `done` once, not before this returns. The descriptor is then its own.
    init(
        _ loop: SocketLoop, addresses: [String], port: Int, until deadline: MonotonicTime,
        _ done: @escaping (Result<Int32, TransportFailure>) -> Void
    ) {
        self.loop = loop
        self.port = port
        waiting = addresses
        self.done = done
        // The timers hold it until it is done.
        lastTimer = loop.descriptors.at(deadline) { [self] in finish(.failure(.connectTimeout)) }
        nextTimer = loop.descriptors.at(MonotonicTime.now()) { [self] in next() }
    }

    private func next() {
        if let nextTimer { loop.descriptors.cancel(nextTimer) }
        nextTimer = nil
        guard done != nil else { return }
        while !waiting.isEmpty {
            let address = waiting.removeFirst()
            guard begin(address) else { continue }
            if !waiting.isEmpty { nextTimer = loop.descriptors.after(Self.headStart) { [self] in next() } }
            return
        }
        if attempts.isEmpty { finish(.failure(lastFailure)) }
    }

    private func begin(_ address: String) -> Bool {
        do throws(SystemError) {
            let descriptor = try NonBlockingSocket.connect(to: address, port: port)
            do throws(SystemError) {
                let token = try loop.descriptors.add(descriptor, .writable) { [self] _ in settle(descriptor) }
                attempts.append(Attempt(descriptor: descriptor, token: token))
                return true
            } catch {
                NonBlockingSocket.close(descriptor)
                throw error
            }
        } catch {
            lastFailure = error.isConnectionRefused ? .refused : .connectFailed
            return false
        }
    }

    private func settle(_ descriptor: Int32) {
        guard let index = attempts.firstIndex(where: { $0.descriptor == descriptor }) else { return }
        loop.descriptors.remove(attempts.remove(at: index).token)
        let code = NonBlockingSocket.error(of: descriptor)
        guard code == 0 else {
            NonBlockingSocket.close(descriptor)
            lastFailure = SystemError("connect", code: code).isConnectionRefused ? .refused : .connectFailed
            return next()
        }
        NonBlockingSocket.sendWithoutDelay(descriptor)
        finish(.success(descriptor))
    }

    private func finish(_ result: Result<Int32, TransportFailure>) {
        guard let done else { return }
        self.done = nil
        for timer in [nextTimer, lastTimer] { if let timer { loop.descriptors.cancel(timer) } }
        for attempt in attempts {
            loop.descriptors.remove(attempt.token)
            NonBlockingSocket.close(attempt.descriptor)
        }
        attempts = []
        done(result)
    }
}
