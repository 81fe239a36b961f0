// SPDX-License-Identifier: MIT

import FetchProtocol
import Testing

@Suite struct OperatorLinesTests {
    @Test func `lines are cut wherever the pieces end`() {
        var lines = OperatorLines()
        #expect(lines.append(Array("one\ntw".utf8)) == ["one"])
        #expect(lines.append(Array("o\n\nthree".utf8)) == ["two", ""])
        #expect(lines.finish() == ["three"])
        #expect(lines.finish().isEmpty)
    }

    @Test func `a line that is too long is named once and ends nothing`() {
        var lines = OperatorLines()
        var heard: [String] = []
        for _ in 0..<10 { heard += lines.append(Array(repeating: UInt8(ascii: "A"), count: 1 << 20)) }
        heard += lines.append(Array("\nnext\n".utf8))
        #expect(heard == [OperatorLines.tooLong, "next"])
    }
}
