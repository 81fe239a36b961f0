// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import LLMRouting
internal import NIOCore

/// Heads of answers that come from a deployment: its own headers, ours, and the framing.
enum AnswerHead {
    static func stream(_ exchange: Exchange, _ attempt: RunningAttempt, keepsAlive: Bool) -> ByteBuffer {
        var head = begin(exchange, attempt)
        if exchange.request.head.minorVersion == 1 {
            head.writeStaticString("transfer-encoding: chunked\r\n")
            head.writeConnection(minorVersion: 1, keepsAlive: keepsAlive)
        } else {
            head.writeStaticString("connection: close\r\n")
        }
        head.writeStaticString("\r\n")
        return head
    }

    static func whole(_ exchange: Exchange, _ attempt: RunningAttempt, bodyBytes: Int, keepsAlive: Bool) -> ByteBuffer {
        var head = begin(exchange, attempt)
        let cost = exchange.run.attempts[attempt.number].cost
        if cost > .zero { head.writeString("x-llm-router-cost: \(cost)\r\nx-litellm-response-cost: \(cost)\r\n") }
        head.writeStaticString("content-length: ")
        head.writeString(String(bodyBytes))
        head.writeStaticString("\r\n")
        head.writeConnection(minorVersion: exchange.request.head.minorVersion, keepsAlive: keepsAlive)
        head.writeStaticString("\r\n")
        return head
    }

    private static func begin(_ exchange: Exchange, _ attempt: RunningAttempt) -> ByteBuffer {
        var head = ByteBuffer()
        head.reserveCapacity(1024)
        head.writeStatusLine(attempt.head?.status ?? 200)
        if let upstream = attempt.head { copyHeaders(upstream, to: &head) }
        writeRouting(exchange, attempt, to: &head)
        return head
    }

    private static func copyHeaders(_ upstream: UpstreamHead, to head: inout ByteBuffer) {
        upstream.bytes.withUnsafeReadableBytes { bytes in
            for field in upstream.head.fields {
                switch field.kind {
                case .other, .contentType, .date, .retryAfter: break
                case .accept, .acceptEncoding, .authorization, .connection, .contentEncoding, .contentLength, .cookie,
                    .expect,
                    .host, .hopByHop, .requestID, .server, .setCookie, .transferEncoding, .userAgent, .apiKey,
                    .ownPrefix:
                    continue
                }
                head.writeBytes(UnsafeRawBufferPointer(rebasing: bytes[field.name.start..<field.value.end]))
                head.writeStaticString("\r\n")
            }
        }
    }

    private static func writeRouting(_ exchange: Exchange, _ attempt: RunningAttempt, to head: inout ByteBuffer) {
        let run = exchange.run
        let plan = run.attempts[attempt.number].attempt
        head.writeImmutableBuffer(attempt.target.answerHeaders)
        head.writeStaticString("x-request-id: ")
        head.writeString(exchange.requestID)
        head.writeStaticString("\r\nx-llm-router-request-id: ")
        head.writeString(exchange.requestID)
        head.writeStaticString("\r\nx-llm-router-model: ")
        head.writeString(HeaderText.safe(plan.upstreamModel))
        head.writeStaticString("\r\nx-llm-router-route: ")
        head.writeString(HeaderText.safe(plan.group))
        head.writeStaticString("\r\nx-llm-router-attempts: ")
        head.writeString(String(run.attempts.count))
        head.writeStaticString("\r\nx-litellm-attempted-retries: ")
        head.writeString(String(run.attempts.count { $0.attempt.purpose == .repetition }))
        head.writeStaticString("\r\nx-litellm-attempted-fallbacks: ")
        head.writeString(String(run.fallbacksTaken))
        head.writeStaticString("\r\n")
        if let decision = run.plan.virtual {
            head.writeString(
                "x-llm-router-score: \(decision.score)\r\nx-llm-router-virtual-model: \(HeaderText.safe(decision.virtualModel))\r\n"
            )
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

    /// Larger pieces are not copied.
    private static let copiedBytes = 16 << 10

    static func pieces(_ content: ByteBuffer) -> [ByteBuffer] {
        guard content.readableBytes > 0 else { return [] }
        var head = ByteBuffer()
        let isSmall = content.readableBytes <= copiedBytes
        head.reserveCapacity(isSmall ? content.readableBytes + 12 : 12)
        head.writeString(String(content.readableBytes, radix: 16))
        head.writeStaticString("\r\n")
        guard !isSmall else {
            head.writeImmutableBuffer(content)
            head.writeStaticString("\r\n")
            return [head]
        }
        return [head, content, ByteBuffer(staticString: "\r\n")]
    }
}
