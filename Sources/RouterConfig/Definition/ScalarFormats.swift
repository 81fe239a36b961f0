// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax
internal import YAMLSyntax

extension ValueFormat where Value == String {
    /// Any text; a number or truth value must be quoted, since its spelling would be lost on the way.
    static var string: ValueFormat {
        .scalar("a string", ["type": "string"], write: { $0.isEmpty ? nil : $0 }) { $0.stringValue }
    }

    /// A file or folder; relative ones are below the config file's folder, `~/` is the home folder.
    static var path: ValueFormat {
        let words = "a path"
        let json: JSONObject = ["type": "string", "minLength": 1]
        return ValueFormat(.scalar(words: words, json: json)) { node, decoder in
            guard let text = node.stringValue, !text.isEmpty else {
                decoder.report(.wrongType(key: decoder.place, expected: words, found: node.kindInWords), at: node.span)
                return nil
            }
            return decoder.absolutePath(text)
        }
    }

    /// A text that `isValid` accepts.
    static func text(
        _ words: String, pattern: String? = nil, where isValid: @escaping @Sendable (String) -> Bool
    ) -> ValueFormat {
        var json: JSONObject = ["type": "string"]
        if let pattern { json["pattern"] = .string(pattern) }
        return ValueFormat(.scalar(words: words, json: json), write: { $0.isEmpty ? nil : $0 }) { node, decoder in
            guard let text = node.stringValue else {
                decoder.report(.wrongType(key: decoder.place, expected: words, found: node.kindInWords), at: node.span)
                return nil
            }
            guard isValid(text) else {
                decoder.report(.invalidValue(key: decoder.place, expected: words, found: text), at: node.span)
                return nil
            }
            return text
        }
    }

    /// An absolute http(s) address without credentials in it.
    static var httpAddress: ValueFormat {
        .text("an `http://` or `https://` address without a user", pattern: "^https?://[^@]+$") { text in
            guard let scheme = ["http://", "https://"].first(where: text.hasPrefix) else { return false }
            let rest = text.dropFirst(scheme.count)
            let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
            return !authority.isEmpty && !authority.contains("@") && isPrintableASCII(text)
        }
    }

    /// The path part of an address.
    static var urlPath: ValueFormat {
        .text("a path that starts with `/`", pattern: "^/") { $0.hasPrefix("/") && isPrintableASCII($0) }
    }

    /// A host name or address to bind or connect to.
    static var host: ValueFormat {
        .text("a host name or an IP address", pattern: "^[A-Za-z0-9._:%-]+$") { text in
            !text.isEmpty && text.count <= 253
                && text.utf8.allSatisfy { isAlphanumeric($0) || "._:-%".utf8.contains($0) }
        }
    }
}

extension ValueFormat where Value == Bool {
    static var bool: ValueFormat {
        .scalar("`true` or `false`", ["type": "boolean"], write: { $0 ? "true" : "false" }) { $0.boolValue }
    }
}

extension ValueFormat where Value == Int {
    /// A whole number in `range`; anything else is refused, never moved into the range.
    static func integer(_ range: ClosedRange<Int>) -> ValueFormat {
        let words = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        let json: JSONObject = [
            "type": "integer", "minimum": .integer(range.lowerBound), "maximum": .integer(range.upperBound),
        ]
        return ValueFormat(.scalar(words: words, json: json), write: String.init) { node, decoder in
            guard node.scalar?.resolvedType == .integer else {
                decoder.report(.wrongType(key: decoder.place, expected: words, found: node.kindInWords), at: node.span)
                return nil
            }
            guard let number = node.integerValue, range.contains(number) else {
                let found = node.scalar?.text ?? ""
                decoder.report(.outOfRange(key: decoder.place, expected: words, found: found), at: node.span)
                return nil
            }
            return number
        }
    }

    static var port: ValueFormat { .integer(1...65535) }

    /// Bytes, such as `10MiB`.
    static func byteSize(_ range: ClosedRange<Int>) -> ValueFormat {
        let words = "a size from \(ByteSizeText.write(range.lowerBound)) to \(ByteSizeText.write(range.upperBound))"
        let json: JSONObject = [
            "type": ["string", "integer"], "pattern": "^[0-9]+ ?([KMGT]i?B|B)?$", "minimum": .integer(range.lowerBound),
        ]
        return ValueFormat(.scalar(words: words, json: json), write: ByteSizeText.write) { node, decoder in
            guard let text = node.scalar?.text, node.stringValue != nil || node.integerValue != nil else {
                decoder.report(.wrongType(key: decoder.place, expected: words, found: node.kindInWords), at: node.span)
                return nil
            }
            guard let count = ByteSizeText.parse(text) else {
                decoder.report(.invalidSize(key: decoder.place, text: text), at: node.span)
                return nil
            }
            guard range.contains(count) else {
                decoder.report(.outOfRange(key: decoder.place, expected: words, found: text), at: node.span)
                return nil
            }
            return count
        }
    }
}

extension ValueFormat where Value == Double {
    static func number(_ range: ClosedRange<Double>) -> ValueFormat {
        let words = "a number from \(plain(range.lowerBound)) to \(plain(range.upperBound))"
        let json: JSONObject = [
            "type": "number", "minimum": .double(range.lowerBound), "maximum": .double(range.upperBound),
        ]
        return ValueFormat(.scalar(words: words, json: json), write: { plain($0) }) { node, decoder in
            guard let number = node.doubleValue else {
                decoder.report(.wrongType(key: decoder.place, expected: words, found: node.kindInWords), at: node.span)
                return nil
            }
            guard range.contains(number) else {
                let found = node.scalar?.text ?? ""
                decoder.report(.outOfRange(key: decoder.place, expected: words, found: found), at: node.span)
                return nil
            }
            return number
        }
    }
}

extension ValueFormat where Value == Duration {
    /// A time with a unit, or a plain number of seconds.
    static func duration(_ range: ClosedRange<Duration>) -> ValueFormat {
        let words = "a time from \(DurationText.write(range.lowerBound)) to \(DurationText.write(range.upperBound))"
        let json: JSONObject = [
            "type": ["string", "number"], "pattern": "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d))+$|^[0-9]+(\\.[0-9]+)?$",
            "minimum": 0,
        ]
        return ValueFormat(.scalar(words: words, json: json), write: DurationText.write) { node, decoder in
            guard let text = node.scalar?.text, node.stringValue != nil || node.doubleValue != nil else {
                decoder.report(.wrongType(key: decoder.place, expected: words, found: node.kindInWords), at: node.span)
                return nil
            }
            guard let duration = DurationText.parse(text) else {
                decoder.report(.invalidDuration(key: decoder.place, text: text), at: node.span)
                return nil
            }
            guard range.contains(duration) else {
                decoder.report(.outOfRange(key: decoder.place, expected: words, found: text), at: node.span)
                return nil
            }
            return duration
        }
    }
}

extension ValueFormat where Value == YAMLNode {
    /// A mapping that is kept as it was written.
    static var foreignMapping: ValueFormat {
        ValueFormat(.foreignMapping) { node, decoder in
            if node.entries != nil { return node }
            if node.isNull { return YAMLNode(.mapping([]), span: node.span) }
            let found = node.kindInWords
            decoder.report(.wrongType(key: decoder.place, expected: "a mapping", found: found), at: node.span)
            return nil
        }
    }
}

/// `2.0` as `2`, `0.2` as it is.
private func plain(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : String(number)
}

private func isPrintableASCII(_ text: String) -> Bool {
    text.utf8.allSatisfy { (0x21..<0x7F).contains($0) }
}

func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
        UInt8(ascii: "A")...UInt8(ascii: "Z"):
        true
    default: false
    }
}
