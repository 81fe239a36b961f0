// SPDX-License-Identifier: MIT

import Testing
import YAMLSyntax

@Suite struct YAMLScalarTests {
    @Test(arguments: [
        ("1", YAMLScalarType.integer), ("-1", .integer), ("+1", .integer), ("0", .integer), ("017", .integer),
        ("0x1F", .integer), ("0b101", .integer), ("1_000", .integer), ("190:20:30", .integer), ("0o17", .string),
        ("09", .string), ("1.0", .float), ("1e3", .string), ("1.0e+3", .float), ("1.5e-06", .float), (".5", .float),
        ("-.inf", .float), (".NaN", .float), ("1.", .float), ("190:20:30.15", .float), ("yes", .bool), ("Off", .bool),
        ("y", .string), ("oN", .string), ("null", .null), ("~", .null), ("", .null), ("nUll", .string),
        ("2026-11-20", .timestamp), ("2026-11-20T09:30:00Z", .timestamp), ("2026-1-2", .string),
        ("2026-11-20 09:30:00.5 +01:00", .timestamp), ("gpt-5.1", .string), ("1.2.3", .string), ("-", .string),
        (".", .string), ("+", .string), ("=", .string), ("os.environ/KEY", .string),
    ])
    func `plain scalars have the types that PyYAML gives them`(text: String, type: YAMLScalarType) {
        #expect(YAMLScalar(text).resolvedType == type)
        #expect(YAMLScalar(text, style: .doubleQuoted).resolvedType == .string)
        #expect(YAMLScalar(text, style: .singleQuoted).resolvedType == .string)
    }

    @Test func `numbers have values`() {
        let integers = [
            ("10", 10), ("-10", -10), ("017", 15), ("0x1F", 31), ("0b101", 5), ("1_000", 1000), ("1:30", 90), ("-0", 0),
        ]
        for (text, value) in integers { #expect(YAMLScalar(text).integerValue == value, "\(text)") }
        #expect(YAMLScalar("99999999999999999999").integerValue == nil)
        #expect(YAMLScalar("1.5e+3").doubleValue == 1500)
        #expect(YAMLScalar("1.").doubleValue == 1)
        #expect(YAMLScalar("3").doubleValue == 3)
        #expect(YAMLScalar("-.inf").doubleValue == -.infinity)
        #expect(YAMLScalar("yes").boolValue == true)
        #expect(YAMLScalar("OFF").boolValue == false)
        #expect(YAMLScalar("true", style: .singleQuoted).boolValue == nil)
    }

    @Test func `a tag decides over everything else`() {
        #expect(YAMLScalar("1", tag: "tag:yaml.org,2002:str").resolvedType == .string)
        #expect(YAMLScalar("x", style: .doubleQuoted, tag: "tag:yaml.org,2002:int").resolvedType == .integer)
        #expect(YAMLScalar("1", tag: "!mine").resolvedType == .string)
    }
}
