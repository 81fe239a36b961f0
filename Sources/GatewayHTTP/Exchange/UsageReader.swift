// SPDX-License-Identifier: MIT

internal import JSONSyntax

/// Reads `usage` objects of all dialects.
enum UsageReader {
    static func read(_ bytes: UnsafeRawBufferPointer, _ span: ByteSpan) -> TokenUsageFields {
        var fields = TokenUsageFields()
        try? JSONScanner.members(of: bytes, in: span) { member in
            if bytes.isExactly(member.name, "prompt_tokens") || bytes.isExactly(member.name, "input_tokens") {
                fields.input = TokenCount.read(bytes, member)
            } else if bytes.isExactly(member.name, "completion_tokens") || bytes.isExactly(member.name, "output_tokens")
            {
                fields.output = TokenCount.read(bytes, member)
            } else if bytes.isExactly(member.name, "cache_read_input_tokens") {
                fields.cached = TokenCount.read(bytes, member)
            } else if bytes.isExactly(member.name, "prompt_tokens_details")
                || bytes.isExactly(member.name, "input_tokens_details"),
                member.kind == .object
            {
                try? JSONScanner.members(of: bytes, in: member.value) { detail in
                    if bytes.isExactly(detail.name, "cached_tokens") { fields.cached = TokenCount.read(bytes, detail) }
                }
            }
        }
        return fields
    }
}

/// Counts of tokens as providers report them. What is added up for ever must not overflow because one of them lies.
enum TokenCount {
    /// More than any model reads or writes in one request.
    static let limit = 1_000_000_000

    /// Nil for what is no count: a negative number, something else than a number.
    static func read(_ bytes: UnsafeRawBufferPointer, _ member: JSONMember) -> Int? {
        guard member.kind == .number else { return nil }
        let text = bytes.text(member.value)
        return Int(text).map { .integer($0) }.flatMap(of) ?? Double(text).flatMap { of(.double($0)) }
    }

    static func of(_ value: JSONValue?) -> Int? {
        switch value {
        case .integer(let count): count < 0 ? nil : min(count, limit)
        case .double(let count): count >= 0 ? Int(min(count, Double(limit))) : nil
        case .null, .bool, .string, .array, .object, nil: nil
        }
    }
}
