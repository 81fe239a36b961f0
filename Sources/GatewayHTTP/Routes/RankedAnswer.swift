// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import LLMRouting
internal import NIOCore
internal import SystemIO

/// Answers in the routing service's shape.
enum RankedAnswer {
    static func success(_ exchange: Exchange, _ attempt: RunningAttempt) -> Answer {
        let record = exchange.run.attempts[attempt.number]
        let body =
            (try? JSONParser.parse(Array(attempt.answerBody(translatingFor: exchange).readableBytesView))) ?? .null
        let content = body["choices"]?.arrayValue?.first?["message"]?["content"] ?? ""
        let latency = Int((record.elapsed ?? .zero).wholeMilliseconds)
        var answer = Answer.json([
            "provider_used": .string(record.attempt.deployment.id), "content": content, "latency_ms": .integer(latency),
            "cost": .double(record.cost.approximateDollars),
        ])
        answer.headers.append(("x-request-id", exchange.requestID))
        return answer
    }

    static func failure(_ failure: RequestFailure, requestID: String) -> Answer {
        var answer: Answer =
            switch failure {
            case .overBudget: .json(["detail": "Budget exceeded"], status: 402)
            case .keyRateLimited: .json(["detail": "Rate limit exceeded"], status: 429)
            case .modelNotFound, .rateLimited, .unavailable, .deadlineExceeded, .upstream, .cancelled:
                .json(["detail": "All providers unavailable"], status: 503)
            }
        answer.headers.append(("x-request-id", requestID))
        return answer
    }
}
