// SPDX-License-Identifier: MIT

import JSONSyntax
import Testing

@Suite struct JSONParserTests {
    private func failure(_ bytes: [UInt8]) -> JSONError? {
        do {
            _ = try JSONParser.parse(bytes)
            return nil
        } catch {
            return error
        }
    }

    static let valid: [(String, JSONValue)] = [
        ("null", JSONValue.null), ("true", true), ("false", false), ("0", 0), ("-0", 0), ("-12", -12), ("1.5", 1.5),
        ("1e3", 1000.0), ("1E+2", 100.0), ("-2.5e-1", -0.25), ("9223372036854775807", .integer(.max)),
        ("-9223372036854775808", .integer(.min)), ("9223372036854775808", .double(9_223_372_036_854_775_808)),
        ("\"\"", ""), ("\"a\"", "a"), (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{C}\n\r\t"), (#""\u00e9\u20AC""#, "é€"),
        (#""\ud83d\ude00""#, "😀"), (#""\ud83d""#, "\u{FFFD}"), (#""\ud83dx""#, "\u{FFFD}x"), (#""\ude00""#, "\u{FFFD}"),
        (#""\ud83d\u0041""#, "\u{FFFD}A"), (#""\u0000""#, "\0"), ("\"é😀\"", "é😀"), ("[]", []),
        ("[1,[2],{}]", [1, [2], [:]]),
        (" [ 1 , 2 ] ", [1, 2]), ("{}", [:]), ("{\"a\":1,\"b\":{\"c\":[]}}", ["a": 1, "b": ["c": []]]),
        ("\t\r\n{ \"a\" : null }\n", ["a": nil]), ("\"\u{7F}\u{2028}\"", "\u{7F}\u{2028}"),
    ]

    @Test(arguments: valid)
    func `valid texts have their values`(text: String, value: JSONValue) throws {
        #expect(try JSONParser.parse(text) == value)
    }

    static let invalid: [(String, JSONError.Problem, Int)] = [
        ("", JSONError.Problem.unexpectedEnd, 0), ("  ", .unexpectedEnd, 2), ("nul", .unexpectedEnd, 3),
        ("nulx", .unexpectedByte, 3), ("True", .unexpectedByte, 0), ("01", .invalidNumber, 2), ("-", .invalidNumber, 1),
        ("1.", .invalidNumber, 2), (".5", .unexpectedByte, 0), ("1e", .invalidNumber, 2), ("+1", .unexpectedByte, 0),
        ("0x1", .trailingContent, 1), ("NaN", .unexpectedByte, 0), ("[1,]", .unexpectedByte, 3),
        ("[1 2]", .unexpectedByte, 3),
        ("[1", .unexpectedEnd, 2), ("{\"a\"}", .unexpectedByte, 4), ("{\"a\":1,}", .unexpectedByte, 7),
        ("{a:1}", .unexpectedByte, 1), ("{\"a\":1", .unexpectedEnd, 6), ("{1:2}", .unexpectedByte, 1),
        ("\"", .unexpectedEnd, 1),
        ("\"a\nb\"", .controlCharacter, 2), ("\"\\x\"", .invalidEscape, 3), ("\"\\u12g4\"", .invalidEscape, 5),
        ("\"\\u12", .unexpectedEnd, 3), ("1 2", .trailingContent, 2), ("[] []", .trailingContent, 3),
        ("'a'", .unexpectedByte, 0),
        ("// a\n1", .unexpectedByte, 0), ("\u{FEFF}1", .unexpectedByte, 0),
    ]

    @Test(arguments: invalid)
    func `invalid texts are refused at their place`(text: String, problem: JSONError.Problem, offset: Int) {
        let error = failure(Array(text.utf8))
        #expect(error?.problem == problem)
        #expect(error?.byteOffset == offset)
    }

    @Test(
        arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82]] as [[UInt8]])
    func `strings that are not UTF-8 are refused`(bytes: [UInt8]) {
        #expect(failure([0x22] + bytes + [0x22])?.problem == .invalidUTF8)
        #expect(failure([0x22, 0x5C, 0x6E] + bytes + [0x22])?.problem == .invalidUTF8)
    }

    @Test func `deep texts are refused, and the limit itself is fine`() throws {
        let limit = JSONParser.depthLimit
        let deepest = String(repeating: "[", count: limit) + String(repeating: "]", count: limit)
        #expect(failure(Array(deepest.utf8)) == nil)
        #expect(failure(Array(("[" + deepest + "]").utf8))?.problem == .tooDeep(limit: limit))
        #expect(failure(Array(String(repeating: "{\"a\":", count: 100_000).utf8))?.problem == .tooDeep(limit: limit))
    }

    @Test func `of the same name the last counts, in the place of the first`() throws {
        let value = try JSONParser.parse(#"{"a":1,"b":2,"a":3}"#)
        #expect(value.objectValue?.names == ["a", "b"])
        #expect(value["a"] == 3)
    }

    @Test func `the same holds for any pair of members of a large object`() throws {
        for first in 0..<70 {
            for second in [first + 1, first + 40] {
                var names = (0..<120).map { "name\($0)" }
                names[second] = names[first]
                let members = names.enumerated().map { "\"\($1)\":\($0)" }.joined(separator: ",")
                let value = try JSONParser.parse("{" + members + "}")
                #expect(value.objectValue?.members.count == 119)
                #expect(value[names[first]]?.integerValue == second)
            }
        }
    }

    @Test func `random values come back as they were`() throws {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<500 {
            let value = Self.value(depth: 5, &random)
            #expect(try JSONParser.parse(JSONWriter.bytes(of: value)) == value)
            #expect(try JSONParser.parse(JSONWriter.bytes(of: value, layout: .indented)) == value)
        }
    }

    @Test func `damaged texts neither crash nor hang`() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<5000 {
            var bytes = JSONWriter.bytes(of: Self.value(depth: 3, &random))
            for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty {
                let index = Int.random(in: 0..<bytes.count, using: &random)
                switch Int.random(in: 0...2, using: &random) {
                case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
                case 1: bytes.remove(at: index)
                default: bytes.removeSubrange(index...)
                }
            }
            if let problem = failure(bytes) { #expect((0...bytes.count).contains(problem.byteOffset)) }
        }
    }

    private static func value(depth: Int, _ random: inout some RandomNumberGenerator) -> JSONValue {
        switch Int.random(in: 0...(depth == 0 ? 4 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .integer(Int.random(in: Int.min...Int.max, using: &random))
        case 3: return .double(Double.random(in: -1e9...1e9, using: &random) + 0.5)
        case 4:
            let parts = ["a", "\"", "\\", "\n", "é", "😀", "\0", "\u{2028}", "/", "\u{1F}"]
            return .string((0..<4).map { _ in parts[Int.random(in: 0..<parts.count, using: &random)] }.joined())
        case 5: return .array((0..<Int.random(in: 0...3, using: &random)).map { _ in value(depth: depth - 1, &random) })
        default:
            var object = JSONObject()
            for index in 0..<Int.random(in: 0...3, using: &random) {
                object["k\(index)\"é"] = value(depth: depth - 1, &random)
            }
            return .object(object)
        }
    }
}

@Suite struct JSONWriterTests {
    @Test func `one line is ASCII without spaces`() {
        let value: JSONValue = ["a": [1, 2.5, true, nil], "é": "😀\u{7F}\n\"", "o": [:], "l": []]
        #expect(
            JSONWriter.text(of: value)
                == #"{"a":[1,2.5,true,null],"\u00e9":"\ud83d\ude00\u007f\n\"","o":{},"l":[]}"#)
    }

    @Test func `the indented layout has one member a line`() {
        let value: JSONValue = ["a": [1, [:]], "b": "c"]
        #expect(
            JSONWriter.text(of: value, layout: .indented) == """
                {
                  "a": [
                    1,
                    {}
                  ],
                  "b": "c"
                }
                """)
    }

    @Test func `numbers that JSON lacks become null`() {
        #expect(
            JSONWriter.text(of: [.double(.nan), .double(.infinity), .double(-0.0), 1e300]) == "[null,null,-0.0,1e+300]")
    }

    @Test func `members keep their order, setting one keeps its place`() {
        var object: JSONObject = ["b": 1, "a": 2]
        object["b"] = 3
        object["c"] = 4
        object["a"] = nil
        #expect(JSONWriter.text(of: .object(object)) == #"{"b":3,"c":4}"#)
    }
}
