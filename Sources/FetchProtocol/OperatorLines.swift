// SPDX-License-Identifier: MIT

/// Cuts what an operator types or pipes in into lines. What no answer to a prompt can be ends nothing: of a line that
/// is too long only that is passed on.
package struct OperatorLines {
    /// Longer than any callback URL.
    package static let limitBytes = 64 << 10
    package static let tooLong = "(a line that is too long)"

    private var bytes: [UInt8] = []
    private var isSkipping = false

    package init() {}

    /// The lines that `chunk` brought to their end.
    package mutating func append(_ chunk: some Collection<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in chunk {
            if byte == UInt8(ascii: "\n") {
                if !isSkipping { lines.append(take()) }
                isSkipping = false
            } else if !isSkipping {
                bytes.append(byte)
                guard bytes.count > Self.limitBytes else { continue }
                bytes = []
                isSkipping = true
                lines.append(Self.tooLong)
            }
        }
        return lines
    }

    /// The last line, when the input ended within it.
    package mutating func finish() -> [String] {
        bytes.isEmpty ? [] : [take()]
    }

    private mutating func take() -> String {
        defer { bytes = [] }
        return String(decoding: bytes, as: UTF8.self)
    }
}
