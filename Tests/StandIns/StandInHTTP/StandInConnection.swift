// SPDX-License-Identifier: MIT

internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// One client connection: reads requests one after the other and sends what the handler wants.
struct StandInConnection: Sendable {
    typealias Outbound = NIOAsyncChannelOutboundWriter<ByteBuffer>

    let channel: NIOAsyncChannel<HTTPServerRequestPart, ByteBuffer>
    let executor: LoopExecutor
    let handler: StandInServer.Handler
    let record: StandInServer.Record

    func serve() async {
        record.connections.withLock { $0 += 1 }
        record.accepted.withLock { $0 += 1 }
        defer { record.connections.withLock { $0 -= 1 } }
        // A connection that breaks is the client's business; the stand-in just forgets it.
        try? await channel.executeThenClose { inbound, outbound in
            var head: HTTPRequestHead?
            var body: [UInt8] = []
            for try await part in inbound {
                switch part {
                case .head(let received):
                    head = received
                    body = []
                    if received.headers.first(name: "expect")?.lowercased() == "100-continue" {
                        try await outbound.write(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n"))
                    }
                case .body(let bytes):
                    body.append(contentsOf: bytes.readableBytesView)
                    guard body.count <= StandInServer.bodyLimitBytes else {
                        let refusal = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                        return try await outbound.write(ByteBuffer(string: refusal))
                    }
                case .end:
                    guard let received = head else { return }
                    guard try await answer(request(received, body), received, outbound) else { return }
                }
            }
        }
    }

    private func request(_ head: HTTPRequestHead, _ body: [UInt8]) -> StandInRequest {
        StandInRequest(
            method: head.method.rawValue, target: head.uri,
            headers: head.headers.map { (name: $0.name, value: $0.value) }, body: body,
            remoteAddress: channel.channel.remoteAddress?.ipAddress ?? "unknown")
    }

    /// Runs the handler and sends its answer, giving up when the client goes; true when the connection stays open.
    private func answer(
        _ request: StandInRequest, _ head: HTTPRequestHead, _ outbound: Outbound
    ) async throws -> Bool {
        record.add(request)
        let work = Task(executorPreference: executor) {
            let response = await handler(request)
            return try await send(response, to: head, outbound)
        }
        channel.channel.closeFuture.whenComplete { _ in work.cancel() }
        return try await withTaskCancellationHandler {
            try await work.value
        } onCancel: {
            work.cancel()
        }
    }

    private func send(_ response: StandInResponse, to head: HTTPRequestHead, _ outbound: Outbound) async throws -> Bool
    {
        if response.delay > .zero { try await executor.sleep(for: response.delay) }
        switch response.kind {
        case .disconnect: return false
        case .hang:
            try await executor.sleep(for: .seconds(86_400))
            return false
        case .raw:
            try await sendBody(response, isChunked: false, outbound)
            return try await end(response.ending)
        case .response: break
        }
        let isChunked = response.isChunked
        try await outbound.write(
            ByteBuffer(string: response.headText(isChunked: isChunked, keepAlive: head.isKeepAlive)))
        guard head.method != .HEAD else { return head.isKeepAlive }
        try await sendBody(response, isChunked: isChunked, outbound)
        if response.cutAfterBytes != nil, case .keepAlive = response.ending { return false }
        if isChunked, case .keepAlive = response.ending { try await outbound.write(ByteBuffer(string: "0\r\n\r\n")) }
        if case .untilClose = response.framing { return false }
        return try await end(response.ending) && head.isKeepAlive
    }

    private func sendBody(_ response: StandInResponse, isChunked: Bool, _ outbound: Outbound) async throws {
        var left = response.cutAfterBytes ?? Int.max
        switch response.body {
        case .pieces(let pieces):
            for piece in pieces where left > 0 {
                if piece.delay > .zero { try await executor.sleep(for: piece.delay) }
                try await send(piece.bytes, isChunked, &left, outbound)
            }
        case .live(let stream):
            for await bytes in stream where left > 0 { try await send(bytes, isChunked, &left, outbound) }
            try Task.checkCancellation()
        }
    }

    private func send(_ bytes: [UInt8], _ isChunked: Bool, _ left: inout Int, _ outbound: Outbound) async throws {
        guard !bytes.isEmpty else { return }
        var buffer = ByteBuffer()
        if isChunked { buffer.writeString(String(bytes.count, radix: 16) + "\r\n") }
        buffer.writeBytes(bytes.prefix(left))
        if isChunked, bytes.count <= left { buffer.writeString("\r\n") }
        left -= min(left, bytes.count)
        try await outbound.write(buffer)
    }

    private func end(_ ending: StandInResponse.Ending) async throws -> Bool {
        switch ending {
        case .keepAlive: return true
        case .close: return false
        case .reset:
            // Closing with a linger time of zero sends RST instead of FIN.
            if let options = channel.channel as? any SocketOptionProvider {
                try await options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).get()
            }
            return false
        }
    }
}

extension StandInResponse {
    fileprivate var isChunked: Bool {
        switch framing {
        case .chunked: return true
        case .claimedLength, .untilClose: return false
        case .automatic:
            switch body {
            case .live: return true
            case .pieces(let pieces): return pieces.contains { $0.delay > .zero }
            }
        }
    }

    fileprivate func headText(isChunked: Bool, keepAlive: Bool) -> String {
        let reason = HTTPResponseStatus(statusCode: status).reasonPhrase
        var text = "HTTP/1.1 \(status) \(reason)\r\n"
        for header in headers { text += "\(header.name): \(header.value)\r\n" }
        switch framing {
        case .claimedLength(let length): text += "Content-Length: \(length)\r\n"
        case .untilClose: break
        case .automatic, .chunked:
            if isChunked {
                text += "Transfer-Encoding: chunked\r\n"
            } else if case .pieces(let pieces) = body, status >= 200, status != 204, status != 304 {
                text += "Content-Length: \(pieces.reduce(0) { $0 + $1.bytes.count })\r\n"
            }
        }
        var stays = keepAlive
        if case .untilClose = framing { stays = false }
        if case .keepAlive = ending {} else { stays = false }
        return text + "Connection: \(stays ? "keep-alive" : "close")\r\n\r\n"
    }
}
