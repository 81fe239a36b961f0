// SPDX-License-Identifier: MIT

internal import Synchronization

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
///
/// Every node of a parsed text has one, so it is small, and its line is looked up only when somebody asks.
package struct SourceSpan: Sendable {
    private let source: SourceText
    private let line: Int32
    private let column: Int32
    private let scalarCount: Int32

    /// A span of `source`; see `SourceText.span(at:length:)`.
    package init(in source: SourceText, line: Int, column: Int, length: Int) {
        self.source = source
        self.line = Int32(clamping: line)
        self.column = Int32(clamping: column)
        scalarCount = Int32(clamping: max(1, length))
    }

    /// A span whose line is known, or must not be looked up.
    package init(file: String, start: SourcePosition, length: Int, lineText: String) {
        let source = SourceText(name: file, onlyLine: start.line, text: lineText)
        self.init(in: source, line: start.line, column: start.column, length: length)
    }

    package var file: String { source.name }
    package var start: SourcePosition { SourcePosition(line: Int(line), column: Int(column)) }
    /// How many scalars of the line are meant; at least 1.
    package var length: Int { Int(scalarCount) }
    /// The line's text, cut to `SourceText.shownLineLimit` scalars.
    package var lineText: String { source.line(Int(line)) }
}

extension SourceSpan: Equatable {
    package static func == (left: SourceSpan, right: SourceSpan) -> Bool {
        left.start == right.start && left.length == right.length && left.file == right.file
            && left.lineText == right.lineText
    }
}

/// A named text that turns positions into spans. A reference, since every span of the text holds it.
package final class SourceText: Sendable {
    /// Longer lines are cut when shown, so that a hostile file cannot flood a terminal.
    package static let shownLineLimit = 160

    package let name: String
    private let bytes: [UInt8]
    /// The number of the first line that `bytes` holds.
    private let firstLine: Int
    /// Offsets of the lines, found when the first line is asked for: most texts have nothing wrong with them.
    private let lineStarts = Mutex<[Int]?>(nil)

    /// Keeps `bytes`, whose lines are separated by LF.
    package init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
        firstLine = 1
    }

    fileprivate init(name: String, onlyLine number: Int, text: String) {
        self.name = name
        bytes = Array(text.utf8)
        firstLine = number
    }

    /// The text of line `number` (from 1) without its line break; empty when there is no such line.
    package func line(_ number: Int) -> String {
        let starts = starts()
        let index = number - firstLine
        guard starts.indices.contains(index) else { return "" }
        let start = starts[index]
        var end = index + 1 < starts.count ? starts[index + 1] - 1 : bytes.count
        if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        let shown = bytes[start..<max(start, min(end, start + Self.shownLineLimit * 4))]
        let text = String(decoding: shown, as: UTF8.self)
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(Self.shownLineLimit)))
    }

    /// The span of `length` scalars that starts at `start`.
    package func span(at start: SourcePosition, length: Int = 1) -> SourceSpan {
        SourceSpan(in: self, line: start.line, column: start.column, length: length)
    }

    /// The position of byte `offset`; offsets past the end give the end.
    package func position(atByte offset: Int) -> SourcePosition {
        let starts = starts()
        let bounded = max(0, min(offset, bytes.count))
        var low = 0
        var high = starts.count - 1
        while low < high {
            let middle = (low + high + 1) / 2
            if starts[middle] <= bounded { low = middle } else { high = middle - 1 }
        }
        // A scalar is counted by its first byte, so this holds for what is not UTF-8 as well.
        let column = bytes[starts[low]..<bounded].count { $0 & 0xC0 != 0x80 }
        return SourcePosition(line: low + firstLine, column: column + 1)
    }

    private func starts() -> [Int] {
        lineStarts.withLock { found in
            if let found { return found }
            var starts = [0]
            for (index, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
                starts.append(index + 1)
            }
            found = starts
            return starts
        }
    }
}
