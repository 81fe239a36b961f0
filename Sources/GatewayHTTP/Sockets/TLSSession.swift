// SPDX-License-Identifier: MIT

internal import NIOCore
internal import NIOEmbedded
internal import NIOSSL

/// TLS of one connection, without the connection: bytes of the network in, texts out, and the other way round.
///
/// NIO's handler does the work, in a channel that has no socket. All calls come from the thread that made the session.
final class TLSSession {
    /// Keeps what the handler says to whom it believes to be the application.
    private final class Application: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        var input: [ByteBuffer] = []
        var problem: String?
        var isEnded = false

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            input.append(unwrapInboundIn(data))
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            problem = problem ?? UpstreamTLS.problem(in: error) ?? "\(error)"
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            isEnded = true
        }
    }

    private let channel = EmbeddedChannel()
    private let application = Application()
    private let address: SocketAddress?

    /// - Parameter address: whose certificate must name it, where the host is no name.
    init(_ handler: NIOSSLClientHandler, address: SocketAddress?) throws {
        self.address = address
        try channel.pipeline.syncOperations.addHandlers([handler, application])
    }

    deinit {
        if channel.isActive { channel.pipeline.fireChannelInactive() }
        channel.close(promise: nil)
        // The other side's last word is not waited for, so the handler's time for it is made to pass.
        channel.embeddedEventLoop.advanceTime(by: .minutes(1))
    }

    /// The session is over: the other side said so, or something is wrong.
    var isEnded: Bool { application.isEnded || application.problem != nil }

    /// What is wrong.
    var problem: String? { application.problem }

    /// The connection stands: begins the handshake.
    func begin() {
        guard let address = try? address ?? SocketAddress(ipAddress: "0.0.0.0", port: 0) else { return }
        channel.connect(to: address, promise: nil)
        channel.embeddedEventLoop.run()
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        guard channel.isActive else { return }
        channel.pipeline.syncOperations.fireChannelRead(NIOAny(ByteBuffer.assembled(bytes.count) { $0.write(bytes) }))
        channel.pipeline.syncOperations.fireChannelReadComplete()
        channel.embeddedEventLoop.run()
    }

    /// The connection ended. Without a word in TLS before that, what came last may be incomplete.
    func endInput() {
        guard channel.isActive else { return }
        channel.pipeline.syncOperations.fireChannelInactive()
        channel.embeddedEventLoop.run()
    }

    func write(_ text: ByteBuffer) {
        channel.writeAndFlush(text, promise: nil)
    }

    /// Ends the session from this side; the last word is in the output.
    func end() {
        guard channel.isActive, !isEnded else { return }
        channel.close(promise: nil)
        channel.embeddedEventLoop.run()
    }

    /// The next bytes for the network.
    func takeOutput() -> ByteBuffer? {
        (try? channel.readOutbound(as: ByteBuffer.self)) ?? nil
    }

    /// The next text of the other side.
    func takeInput() -> ByteBuffer? {
        application.input.isEmpty ? nil : application.input.removeFirst()
    }
}
