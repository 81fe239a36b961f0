// SPDX-License-Identifier: MIT

/// A place in a text: line and column count from 1, columns count Unicode scalars.
package struct SourcePosition: Equatable, Hashable, Sendable, Comparable {
    package let line: Int
    package let column: Int

    package init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    package static func < (left: SourcePosition, right: SourcePosition) -> Bool {
        (left.line, left.column) < (right.line, right.column)
    }
}

/// Where in which file a diagnostic points, with the line itself so that it can be shown later without the file.
package struct SourceSpan: Equatable, Sendable {
    package let file: String
    package let start: SourcePosition
    /// How many scalars of the line are meant; at least 1.
    package let length: Int
    /// The line's text, cut to `SourceText.shownLineLimit` scalars.
    package let lineText: String

    package init(file: String, start: SourcePosition, length: Int, lineText: String) {
        self.file = file
        self.start = start
        self.length = max(1, length)
        self.lineText = lineText
    }
}

/// A named text that turns positions into spans.
package struct SourceText: Sendable {
    /// Longer lines are cut when shown, so that a hostile file cannot flood a terminal.
    package static let shownLineLimit = 160

    package let name: String
    private let bytes: [UInt8]
    private let lineStarts: [Int]

    /// Keeps `bytes` and the offsets of its lines (separated by LF).
    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
        var starts = [0]
        for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
            starts.append(index + 1)
        }
        self.lineStarts = starts
    }

    /// The text of line `number` (from 1) without its line break; empty when there is no such line.
    package func line(_ number: Int) -> String {
        guard number >= 1, number <= lineStarts.count else { return "" }
        let start = lineStarts[number - 1]
        var end = number < lineStarts.count ? lineStarts[number] - 1 : bytes.count
        if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        let shown = bytes[start..<max(start, min(end, start + Self.shownLineLimit * 4))]
        let text = String(decoding: shown, as: UTF8.self)
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(Self.shownLineLimit)))
    }

    /// The span of `length` scalars that starts at `start`.
    package func span(at start: SourcePosition, length: Int = 1) -> SourceSpan {
        SourceSpan(file: name, start: start, length: length, lineText: line(start.line))
    }

    /// The position of byte `offset`; offsets past the end give the end.
    package func position(atByte offset: Int) -> SourcePosition {
        let bounded = max(0, min(offset, bytes.count))
        var low = 0
        var high = lineStarts.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if lineStarts[middle] <= bounded { low = middle } else { high = middle - 1 }
        }
        let prefix = String(decoding: bytes[lineStarts[low]..<bounded], as: UTF8.self)
        return SourcePosition(line: low + 1, column: prefix.unicodeScalars.count + 1)
    }
}
