// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import LLMRouting
internal import NIOCore

/// Heads of answers that come from a deployment: its own headers, ours, and the framing.
enum AnswerHead {
    /// Bodies up to this size are sent in one piece with their head: a copy costs less than a gathering write.
    private static let joinedBytes = 8 << 10

    static func stream(_ exchange: Exchange, _ attempt: RunningAttempt, keepsAlive: Bool) -> ByteBuffer {
        exchange.loop.answerScratch.assemble(size(exchange, attempt)) { head in
            begin(exchange, attempt, &head)
            if exchange.request.head.minorVersion == 1 {
                head.write("transfer-encoding: chunked\r\n")
                if !keepsAlive { head.write("connection: close\r\n") }
            } else {
                head.write("connection: close\r\n")
            }
            head.write("\r\n")
        }
    }

    /// A whole answer as the pieces to write.
    static func whole(
        _ exchange: Exchange, _ attempt: RunningAttempt, body: ByteBuffer, keepsAlive: Bool
    ) -> (first: ByteBuffer, rest: ByteBuffer?) {
        let isJoined = body.readableBytes <= joinedBytes
        let size = size(exchange, attempt) + (isJoined ? body.readableBytes : 0)
        let first = exchange.loop.answerScratch.assemble(size) { head in
            begin(exchange, attempt, &head)
            let cost = exchange.run.attempts[attempt.number].cost
            if cost > .zero {
                let text = "\(cost)"
                head.write("x-llm-router-cost: ")
                head.write(text)
                head.write("\r\nx-litellm-response-cost: ")
                head.write(text)
                head.write("\r\n")
            }
            head.write("content-length: ")
            head.write(body.readableBytes)
            if !keepsAlive {
                head.write("\r\nconnection: close\r\n\r\n")
            } else if exchange.request.head.minorVersion == 0 {
                head.write("\r\nconnection: keep-alive\r\n\r\n")
            } else {
                head.write("\r\n\r\n")
            }
            if isJoined { head.write(body) }
        }
        return (first, isJoined ? nil : body)
    }

    /// An upper bound of a head's size: its variable parts, and what the fixed ones take.
    private static func size(_ exchange: Exchange, _ attempt: RunningAttempt) -> Int {
        let texts =
            2 * exchange.requestID.utf8.count + attempt.plan.upstreamModel.utf8.count + attempt.plan.group.utf8.count
            + (exchange.run.plan.virtual?.virtualModel.utf8.count ?? 0)
        return 768 + (attempt.head?.bytes.readableBytes ?? 0) + attempt.target.answerHeaders.readableBytes + texts
    }

    private static func begin(_ exchange: Exchange, _ attempt: RunningAttempt, _ head: inout ByteCursor) {
        let status = attempt.head?.status ?? 200
        if status == 200 {
            head.write("HTTP/1.1 200 OK\r\n")
        } else {
            var line = ByteBuffer()
            line.writeStatusLine(status)
            head.write(line)
        }
        if let upstream = attempt.head { copyHeaders(upstream, to: &head) }
        writeRouting(exchange, attempt, to: &head)
    }

    private static func copyHeaders(_ upstream: UpstreamHead, to head: inout ByteCursor) {
        upstream.bytes.withUnsafeReadableBytes { bytes in
            for field in upstream.head.fields {
                switch field.kind {
                case .other, .contentType, .date, .retryAfter: break
                case .accept, .acceptEncoding, .authorization, .connection, .contentEncoding, .contentLength, .cookie,
                    .expect, .host, .hopByHop, .requestID, .server, .setCookie, .transferEncoding, .userAgent, .apiKey,
                    .ownPrefix:
                    continue
                }
                head.write(UnsafeRawBufferPointer(rebasing: bytes[field.name.start..<field.value.end]))
                head.write("\r\n")
            }
        }
    }

    private static func writeRouting(_ exchange: Exchange, _ attempt: RunningAttempt, to head: inout ByteCursor) {
        let counts = exchange.routingCounts()
        head.write(attempt.target.answerHeaders)
        head.write("x-request-id: ")
        head.write(exchange.requestID)
        head.write("\r\nx-llm-router-request-id: ")
        head.write(exchange.requestID)
        head.write("\r\nx-llm-router-model: ")
        head.writeSafe(attempt.plan.upstreamModel)
        head.write("\r\nx-llm-router-route: ")
        head.writeSafe(attempt.plan.group)
        head.write("\r\nx-llm-router-attempts: ")
        head.write(exchange.run.attempts.count)
        head.write("\r\nx-litellm-attempted-retries: ")
        head.write(counts.repetitions)
        head.write("\r\nx-litellm-attempted-fallbacks: ")
        head.write(counts.fallbacks)
        head.write("\r\n")
        if let decision = exchange.run.plan.virtual {
            head.write("x-llm-router-score: ")
            head.write(decision.score)
            head.write("\r\nx-llm-router-virtual-model: ")
            head.writeSafe(decision.virtualModel)
            head.write("\r\n")
        }
    }

    /// Says in a gateway's own error how many deployments were asked.
    static func addRouting(_ exchange: Exchange, to answer: inout Answer) {
        answer.headers.append(("x-llm-router-request-id", exchange.requestID))
        answer.headers.append(("x-llm-router-attempts", String(exchange.run.attempts.count)))
    }

    /// An upstream's own error answer, with our headers and without its secrets; nil when it has none to pass on.
    static func passedError(_ exchange: Exchange, _ attempt: RunningAttempt, _ failure: AttemptFailure) -> Answer? {
        guard let head = attempt.head, head.status >= 400, attempt.body.readableBytes > 0 else { return nil }
        var answer = Answer(status: head.status, body: attempt.target.redacting(attempt.body))
        if attempt.target.dialect != exchange.surface.dialect {
            // The words pass, the shape is the client's.
            let error = GatewayError.failed(.upstream(failure, attempt: attempt.number), model: exchange.facts.model)
            answer.body = ByteBuffer(bytes: JSONWriter.bytes(of: error.envelope(exchange.surface.dialect)))
        } else if let type = head.text(.contentType), !head.contentType(is: "text/html") {
            answer.contentType = type
        } else {
            return nil
        }
        if let retryAfter = failure.retryAfter {
            answer.headers.append(("retry-after", String(max(1, retryAfter.roundedUpSeconds))))
        }
        answer.headers.append(("x-request-id", exchange.requestID))
        addRouting(exchange, to: &answer)
        answer.headers.append(("x-llm-router-deployment", HeaderText.safe(attempt.target.id)))
        return answer
    }
}

/// Chunked framing of what goes to clients.
enum ChunkWriter {
    static let end = ByteBuffer(staticString: "0\r\n\r\n")
    private static let lineEnd = ByteBuffer(staticString: "\r\n")

    /// Larger pieces are not copied.
    private static let copiedBytes = 16 << 10

    /// Gives `content` to `write` as a chunk, in one piece or three.
    static func write(_ content: ByteBuffer, _ scratch: inout ScratchBuffer, _ write: (ByteBuffer) -> Void) {
        guard content.readableBytes > 0 else { return }
        guard content.readableBytes > copiedBytes else {
            return write(
                scratch.assemble(content.readableBytes + 20) { chunk in
                    size(content.readableBytes, &chunk)
                    chunk.write(content)
                    chunk.write("\r\n")
                })
        }
        write(.assembled(18) { chunk in size(content.readableBytes, &chunk) })
        write(content)
        write(lineEnd)
    }

    private static func size(_ size: Int, _ chunk: inout ByteCursor) {
        let digits = max(1, (Int.bitWidth - size.leadingZeroBitCount + 3) / 4)
        for place in stride(from: digits - 1, through: 0, by: -1) {
            let digit = UInt8(truncatingIfNeeded: size >> (4 * place) & 0xF)
            chunk.write(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
        chunk.write("\r\n")
    }
}
