// SPDX-License-Identifier: MIT

internal import SystemIO

/// Accepts the connections of one listening socket.
final class Acceptor {
    /// With only a few a turn, the queue of a busy loop overflows, and whoever is in it connects again a second later.
    private static let connectionsATurn = 256

    /// A process without free descriptors gets some back when connections end.
    private static let pauseWithoutDescriptors = Duration.milliseconds(100)

    private let loop: SocketLoop
    private let listener: OwnedDescriptor
    private let deal: (Int32) -> Void
    private var token: DescriptorLoop.Token?
    private var isStopped = false

    /// Gives each connection to `deal`, whose the descriptor is then.
    init(_ listener: consuming OwnedDescriptor, loop: SocketLoop, deal: @escaping (Int32) -> Void) throws(SystemError) {
        self.loop = loop
        self.listener = listener
        self.deal = deal
        NonBlockingSocket.setNonBlocking(self.listener.rawValue)
        try listen()
    }

    private func listen() throws(SystemError) {
        token = try loop.descriptors.add(listener.rawValue, .readable) { [weak self] _ in self?.accept() }
    }

    /// Accepts no more. What waits in the socket's queue stays there for whoever else has the socket.
    func stop() {
        isStopped = true
        forget()
    }

    private func forget() {
        if let token { loop.descriptors.remove(token) }
        token = nil
    }

    private func accept() {
        for _ in 0..<Self.connectionsATurn {
            switch NonBlockingSocket.accept(from: listener.rawValue) {
            case .success(let descriptor): deal(descriptor)
            case .failure(let error):
                if !error.isWouldBlock { pause() }
                return
            }
        }
    }

    private func pause() {
        forget()
        loop.descriptors.after(Self.pauseWithoutDescriptors) { [weak self] in
            guard let self, !isStopped else { return }
            try? listen()
        }
    }
}
