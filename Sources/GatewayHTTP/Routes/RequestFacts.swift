// SPDX-License-Identifier: MIT

internal import JSONSyntax

/// The few things about a request's body that routing needs; the body itself stays as it came.
package struct RequestFacts: Equatable, Sendable {
    package var model = ""
    /// The content of the model string in the body, quotes excluded; nil when the body does not name a model.
    package var modelSpan: ByteSpan?
    package var isStreaming = false
    package var user: String?
    package var messages: ByteSpan?
    package var prompt: ByteSpan?
    /// Members that only the routing service's own shape has.
    package var hasPreferences = false
    package var hasTools = false
    /// The client wants a stream to end with its token counts.
    package var includesUsage = false
    /// The body is a form, not JSON.
    package var isMultipart = false
    package var maximumOutputTokens: Int?

    package init() {}
}

/// Why a body cannot be routed.
package enum RequestBodyError: Error, Equatable, Sendable {
    case notJSON(byteOffset: Int)
    case notAnObject
    case tooDeep(limit: Int)
    case repeatedMember(String)
    case wrongType(member: String, expected: String)
}

extension RequestFacts {
    /// Scans a JSON body. A name that decides about routing may stand there only once: readers disagree about which one counts.
    package static func scan(_ bytes: UnsafeRawBufferPointer) throws(RequestBodyError) -> RequestFacts {
        var facts = RequestFacts()
        var seen: UInt16 = 0
        var problem: RequestBodyError?
        do throws(JSONScanError) {
            try JSONScanner.members(of: bytes) { member in
                guard let known = KnownMember.of(bytes, member) else {
                    // Servers written in Go take such a name for the right one.
                    if let name = KnownMember.misspelt(bytes, member) { problem = problem ?? .repeatedMember(name) }
                    return
                }
                let bit: UInt16 = 1 << UInt16(known.rawValue)
                if seen & bit != 0 { problem = problem ?? .repeatedMember("\(known)") }
                seen |= bit
                if let wrong = facts.note(known, member, bytes) { problem = problem ?? wrong }
            }
        } catch {
            switch error {
            case .notAnObject: throw .notAnObject
            case .malformed(let offset): throw .notJSON(byteOffset: offset)
            case .tooDeep(let limit): throw .tooDeep(limit: limit)
            }
        }
        if let problem { throw problem }
        return facts
    }

    private enum KnownMember: UInt8, CaseIterable {
        // swift-format-ignore: AlwaysUseLowerCamelCase
        case model, stream, user, messages, prompt, tools, max_tokens, max_completion_tokens, max_output_tokens,
            preferences, stream_options, user_id

        static func of(_ bytes: UnsafeRawBufferPointer, _ member: JSONMember) -> KnownMember? {
            if member.nameHasEscapes {
                let text = JSONText.string(bytes, member.name)
                return allCases.first { "\($0)" == text }
            }
            func named(_ word: StaticString, _ known: KnownMember) -> KnownMember? {
                bytes.isExactly(member.name, word) ? known : nil
            }
            switch member.name.count {
            case 4: return named("user", .user)
            case 5: return named("model", .model) ?? named("tools", .tools)
            case 6: return named("stream", .stream) ?? named("prompt", .prompt)
            case 7: return named("user_id", .user_id)
            case 8: return named("messages", .messages)
            case 10: return named("max_tokens", .max_tokens)
            case 11: return named("preferences", .preferences)
            case 14: return named("stream_options", .stream_options)
            case 17: return named("max_output_tokens", .max_output_tokens)
            case 21: return named("max_completion_tokens", .max_completion_tokens)
            default: return nil
            }
        }

        /// A name that decides about routing, in another case. (`ſ` is an `s` to those who fold Unicode.)
        static func misspelt(_ bytes: UnsafeRawBufferPointer, _ member: JSONMember) -> String? {
            guard member.nameHasEscapes || (5...7).contains(member.name.count),
                member.nameHasEscapes || [0x6D, 0x73, 0xE5].contains(bytes[member.name.start] | 0x20)
            else { return nil }
            let name = member.nameHasEscapes ? JSONText.string(bytes, member.name) ?? "" : bytes.text(member.name)
            let folded = name.lowercased().split(separator: "ſ", omittingEmptySubsequences: false).joined(
                separator: "s")
            return ["model", "stream"].contains(folded) ? folded : nil
        }
    }

    /// The routing service's own shape: a prompt in place of messages, or its other members where OpenAI's are missing.
    var isRanked: Bool {
        messages == nil && (prompt != nil || (hasPreferences && modelSpan == nil))
    }

    private mutating func note(_ known: KnownMember, _ member: JSONMember, _ bytes: UnsafeRawBufferPointer)
        -> RequestBodyError?
    {
        switch known {
        case .model:
            guard member.kind == .string else { return .wrongType(member: "model", expected: "a string") }
            model = JSONText.string(bytes, member.value) ?? ""
            modelSpan = member.value
        case .stream:
            guard member.kind == .literal else { return .wrongType(member: "stream", expected: "true or false") }
            isStreaming = bytes[member.value.start] == UInt8(ascii: "t")
        case .user:
            // A number has a budget as well.
            if member.kind == .string { user = JSONText.string(bytes, member.value) }
            if member.kind == .number { user = bytes.text(member.value) }
        case .messages: messages = member.value
        case .prompt: prompt = member.value
        case .preferences, .user_id: hasPreferences = true
        case .stream_options:
            guard member.kind == .object else { break }
            try? JSONScanner.members(of: bytes, in: member.value) { option in
                guard bytes.isExactly(option.name, "include_usage") else { return }
                includesUsage = bytes.isExactly(option.value, "true")
            }
        case .tools: hasTools = member.kind == .array && member.value.count > 2
        case .max_tokens, .max_completion_tokens, .max_output_tokens:
            maximumOutputTokens = TokenCount.read(bytes, member) ?? maximumOutputTokens
        }
        return nil
    }
}

/// Reads JSON strings in place.
enum JSONText {
    /// The text of a string's content (quotes excluded); nil when an escape or the UTF-8 is broken.
    static func string(_ bytes: UnsafeRawBufferPointer, _ span: ByteSpan) -> String? {
        let content = bytes[span.start..<span.end]
        if !content.contains(UInt8(ascii: "\\")) { return String(validating: content, as: UTF8.self) }
        let quoted = [UInt8(ascii: "\"")] + content + [UInt8(ascii: "\"")]
        return (try? JSONParser.parse(quoted))?.stringValue
    }

    /// `text` as a JSON string, quotes included.
    static func quoted(_ text: String) -> [UInt8] {
        JSONWriter.bytes(of: .string(text))
    }
}

extension UnsafeRawBufferPointer {
    func isExactly(_ span: ByteSpan, _ word: StaticString) -> Bool {
        guard span.count == word.utf8CodeUnitCount else { return false }
        for offset in 0..<span.count where self[span.start + offset] != word.utf8Start[offset] { return false }
        return true
    }
}
