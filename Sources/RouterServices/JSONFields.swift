// SPDX-License-Identifier: MIT

package import Diagnostics
package import JSONSyntax

/// A member of a JSON object that is missing or not what it should be.
package struct JSONFieldError: Error, Equatable, Sendable {
    /// Where it is: `command.arguments`.
    package let field: String
    package let expected: String

    package init(field: String, expected: String) {
        self.field = field
        self.expected = expected
    }
}

extension JSONFieldError: DiagnosticConvertible {
    package var diagnostic: Diagnostic {
        Diagnostic("services/invalid-field", "`\(field)` must be \(expected)")
    }
}

/// Reads the members of one JSON object, naming the one that is wrong.
package struct JSONFields {
    private let object: JSONObject
    private let path: String

    package init(_ value: JSONValue, at path: String = "") throws(JSONFieldError) {
        guard let object = value.objectValue else {
            throw JSONFieldError(field: path.isEmpty ? "value" : path, expected: "an object")
        }
        self.object = object
        self.path = path
    }

    package func value(_ name: String) -> JSONValue? {
        let found = object[name]
        return found == .null ? nil : found
    }

    package func string(_ name: String) throws(JSONFieldError) -> String {
        guard let text = object[name]?.stringValue else { throw error(name, "a text") }
        return text
    }

    package func optionalString(_ name: String) throws(JSONFieldError) -> String? {
        value(name) == nil ? nil : try string(name)
    }

    package func integer(_ name: String) throws(JSONFieldError) -> Int {
        guard let number = object[name]?.integerValue else { throw error(name, "a whole number") }
        return number
    }

    package func optionalInteger(_ name: String) throws(JSONFieldError) -> Int? {
        value(name) == nil ? nil : try integer(name)
    }

    package func double(_ name: String) throws(JSONFieldError) -> Double {
        guard let number = object[name]?.doubleValue else { throw error(name, "a number") }
        return number
    }

    package func bool(_ name: String, default fallback: Bool) throws(JSONFieldError) -> Bool {
        guard let found = value(name) else { return fallback }
        guard let flag = found.boolValue else { throw error(name, "true or false") }
        return flag
    }

    package func strings(_ name: String) throws(JSONFieldError) -> [String] {
        guard let found = value(name) else { return [] }
        guard let elements = found.arrayValue else { throw error(name, "a list of texts") }
        var texts: [String] = []
        for element in elements {
            guard let text = element.stringValue else { throw error(name, "a list of texts") }
            texts.append(text)
        }
        return texts
    }

    package func array(_ name: String) throws(JSONFieldError) -> [JSONValue] {
        guard let found = value(name) else { return [] }
        guard let elements = found.arrayValue else { throw error(name, "a list") }
        return elements
    }

    /// A duration from its whole number of nanoseconds.
    package func duration(_ name: String) throws(JSONFieldError) -> Duration {
        .nanoseconds(Int64(try integer(name)))
    }

    /// One of the raw values of `Word`.
    package func word<Word: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Word.Type = Word.self
    ) throws(JSONFieldError) -> Word where Word.RawValue == String {
        guard let text = object[name]?.stringValue, let word = Word(rawValue: text) else {
            throw error(name, "one of " + Word.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", "))
        }
        return word
    }

    package func fields(_ name: String) throws(JSONFieldError) -> JSONFields {
        try JSONFields(object[name] ?? .null, at: fullName(name))
    }

    package func error(_ name: String, _ expected: String) -> JSONFieldError {
        JSONFieldError(field: fullName(name), expected: expected)
    }

    private func fullName(_ name: String) -> String { path.isEmpty ? name : path + "." + name }
}
