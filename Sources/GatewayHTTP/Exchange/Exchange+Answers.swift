// SPDX-License-Identifier: MIT

internal import LLMRouting
internal import NIOCore

// How a request ends for its client.
extension Exchange {
    /// How a request ended, for the log and the metrics.
    enum Outcome {
        case answered(Int)
        case failed(String, Int)
        case brokenOff(String)
        case clientGone
    }

    func answer(_ number: Int) {
        guard let attempt = attempts[number], let client else { return conclude(outcome: .clientGone) }
        if state == .streaming {
            if request.head.minorVersion == 1 {
                client.write(ChunkWriter.end)
            } else {
                client.keepsAlive = false
            }
            conclude(outcome: .answered(attempt.head?.status ?? 200))
            return client.finishAnswer()
        }
        firstByteAt = loop.now
        if shape == .ranked {
            return respond(RankedAnswer.success(self, attempt), outcome: .answered(200))
        }
        let body = attempt.answerBody(translatingFor: self)
        sentBytes = body.readableBytes
        let (first, rest) = AnswerHead.whole(self, attempt, body: body, keepsAlive: client.keepsAlive)
        client.write(first)
        if let rest { client.write(rest) }
        conclude(outcome: .answered(attempt.head?.status ?? 200))
        client.finishAnswer()
    }

    func fail(_ failure: RequestFailure) {
        if shape == .ranked {
            let answer = RankedAnswer.failure(failure, requestID: requestID)
            return respond(answer, outcome: .failed(failure.envelopeCode, answer.status))
        }
        if case .upstream(let cause, let number) = failure, let attempt = attempts[number],
            let answer = AnswerHead.passedError(self, attempt, cause)
        {
            return respond(
                answer, outcome: .failed(GatewayError.failed(failure, model: facts.model).label, answer.status))
        }
        finish(failing: .failed(failure, model: facts.model))
    }

    func finish(failing error: GatewayError) {
        var answer = error.answer(dialect: surface.dialect, requestID: requestID)
        AnswerHead.addRouting(self, to: &answer)
        respond(answer, outcome: .failed(error.label, answer.status))
    }

    private func respond(_ answer: Answer, outcome: Outcome) {
        let client = self.client
        sentBytes = answer.body.readableBytes
        conclude(outcome: outcome)
        client?.respond(answer, to: request)
    }

    /// The client has a part of a stream that cannot go on: says so in the stream, without an end mark, and closes.
    func breakOff(_ failure: RequestFailure) {
        let client = self.client
        let error = GatewayError.failed(failure, model: facts.model)
        if let client {
            let event = error.streamEvent(dialect: surface.dialect)
            if request.head.minorVersion == 1 {
                ChunkWriter.write(event, &loop.answerScratch) { client.write($0) }
                client.write(ChunkWriter.end)
            } else {
                client.write(event)
            }
            client.keepsAlive = false
        }
        conclude(outcome: .brokenOff(error.label))
        client?.finishAnswer()
    }
}
