// SPDX-License-Identifier: MIT

package import GatewayConfig
internal import JSONSyntax
package import LLMRouting

/// Tells an answer from something that only looks like one.
package enum AnswerCheck {
    package enum Outcome: Equatable, Sendable {
        case valid(TokenUsageFields?)
        case failed(AttemptFailure)
    }

    /// Judges the whole body of a 2xx answer.
    package static func judge(_ bytes: UnsafeRawBufferPointer, surface: Surface, dialect: Dialect) -> Outcome {
        let start = bytes.firstIndex { $0 > 0x20 } ?? bytes.count
        guard start < bytes.count else {
            return .failed(AttemptFailure(.emptyAnswer, status: 200, message: "the answer is empty"))
        }
        if bytes[start] == UInt8(ascii: "<") {
            return .failed(AttemptFailure(.htmlAnswer, status: 200, message: "the answer is a web page"))
        }
        if bytes[start] == UInt8(ascii: "["), surface != .chatCompletions, surface != .messages { return .valid(nil) }
        var facts = Facts()
        do throws(JSONScanError) {
            try JSONScanner.members(of: bytes) { facts.note($0, in: bytes) }
        } catch {
            return .failed(AttemptFailure(.malformedAnswer, status: 200, message: "the answer is not valid JSON"))
        }
        if let error = facts.error {
            let body = Array(bytes[error.start..<error.end])
            let reading = UpstreamError.read(body)
            let kind = UpstreamError.specialKind(reading) ?? .errorFirstStream
            return .failed(AttemptFailure(kind, status: 200, message: reading.message ?? "the answer is an error"))
        }
        guard facts.hasContent(surface: surface, dialect: dialect) else {
            return .failed(AttemptFailure(.emptyAnswer, status: 200, message: "the answer has no content"))
        }
        return .valid(facts.usage)
    }

    private struct Facts {
        var usage: TokenUsageFields?
        var error: ByteSpan?
        var hasChoices = false
        var hasData = false
        var hasMembers = false

        mutating func note(_ member: JSONMember, in bytes: UnsafeRawBufferPointer) {
            hasMembers = true
            switch member.kind {
            case .object:
                if bytes.isExactly(member.name, "usage") { usage = UsageReader.read(bytes, member.value) }
                if bytes.isExactly(member.name, "error") { error = member.value }
            case .string: if bytes.isExactly(member.name, "error") { error = member.value }
            case .array:
                let isFilled = bytes[(member.value.start + 1)..<(member.value.end - 1)].contains { $0 > 0x20 }
                if bytes.isExactly(member.name, "choices") { hasChoices = isFilled }
                if bytes.isExactly(member.name, "data") { hasData = isFilled }
            case .number, .literal: break
            }
        }

        func hasContent(surface: Surface, dialect: Dialect) -> Bool {
            switch surface {
            case .chatCompletions, .messages:
                switch dialect {
                case .openAI: return hasChoices
                // An empty `content` is what Anthropic says when the model chose to say nothing.
                case .anthropic: return hasMembers
                }
            case .completions: return hasChoices
            case .embeddings: return hasData
            case .responses, .countTokens, .speech, .transcriptions, .translations, .imageGenerations, .imageEdits,
                .imageVariations, .rerank, .moderations:
                return hasMembers
            }
        }
    }
}

/// What an upstream's error body says.
package struct UpstreamError: Equatable, Sendable {
    package var message: String?
    package var type: String?
    package var code: String?

    /// Reads OpenAI's, Anthropic's and FastAPI's shapes, and the bare error object inside them.
    package static func read(_ body: [UInt8]) -> UpstreamError {
        var result = UpstreamError()
        guard let root = try? JSONParser.parse(body) else { return result }
        let error = root["error"] ?? root["detail"] ?? root
        if let text = error.stringValue {
            result.message = text
            return result
        }
        result.message = error["message"]?.stringValue ?? root["message"]?.stringValue
        result.type = error["type"]?.stringValue
        result.code = error["code"]?.stringValue ?? error["code"]?.integerValue.map(String.init)
        return result
    }

    /// Failures that blame the prompt in a way that has a remedy of its own.
    package static func specialKind(_ error: UpstreamError) -> FailureKind? {
        let code = (error.code ?? "") + " " + (error.type ?? "")
        let message = (error.message ?? "").lowercased()
        if code.contains("context_length_exceeded") || code.contains("context_window") { return .contextLength }
        if code.contains("content_filter") || code.contains("content_policy") || code.contains("responsible_ai") {
            return .contentPolicy
        }
        let contextWords = [
            "maximum context length", "context window", "context length", "prompt is too long", "too many input tokens",
            "input is too long",
        ]
        if contextWords.contains(where: message.contains) { return .contextLength }
        let policyWords = ["content policy", "content management policy", "content_filter", "safety system"]
        if policyWords.contains(where: message.contains) { return .contentPolicy }
        return nil
    }

    /// The failure that a status other than 2xx stands for.
    package static func failure(status: Int, body: [UInt8], retryAfter: Duration?) -> AttemptFailure {
        let error = read(body)
        var kind = AttemptFailure.kind(ofStatus: status) ?? .malformedAnswer
        if [400, 413, 422].contains(status), let special = specialKind(error) { kind = special }
        let message = error.message.map { String($0.prefix(500)) } ?? ""
        return AttemptFailure(kind, status: status, retryAfter: retryAfter, message: message)
    }
}

/// Reads Retry-After.
package enum RetryAfter {
    /// Seconds or an HTTP date; `nowSeconds` is seconds since 1970.
    package static func parse(_ text: String, nowSeconds: Int64) -> Duration? {
        if let seconds = Double(text), seconds >= 0, seconds < 1e9 { return .milliseconds(Int64(seconds * 1000)) }
        return httpDate(text).map { .seconds(max(0, $0 - nowSeconds)) }
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT` as seconds since 1970.
    static func httpDate(_ text: String) -> Int64? {
        let parts = text.split { " ,:".contains($0) }
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        guard parts.count == 8, parts[7] == "GMT", let day = Int(parts[1]), let year = Int(parts[3]), year >= 1970,
            let hour = Int(parts[4]), let minute = Int(parts[5]), let second = Int(parts[6]),
            let month = months.firstIndex(of: String(parts[2]))
        else { return nil }
        let moment = CalendarTime(
            year: year, month: month + 1, day: day, hour: hour, minute: minute, second: second)
        return moment.map { $0.microsecondsSince1970 / 1_000_000 }
    }
}
