// SPDX-License-Identifier: MIT

package import JSONSyntax

/// Reads the members of a JSON object that came over the pipe, naming the one that is missing or of the wrong type.
package struct FetchFields {
    private let object: JSONObject
    private let place: String

    /// - Parameter place: what the object is, for the error message.
    package init(_ value: JSONValue, of place: String) throws(FetchProtocolError) {
        guard let object = value.objectValue else {
            throw .malformed(what: "`\(place)` is not an object", line: "")
        }
        self.object = object
        self.place = place
    }

    package func string(_ name: String) throws(FetchProtocolError) -> String {
        try required(name, object[name]?.stringValue)
    }

    package func integer(_ name: String) throws(FetchProtocolError) -> Int {
        try required(name, object[name]?.integerValue)
    }

    package func bool(_ name: String) throws(FetchProtocolError) -> Bool {
        try required(name, object[name]?.boolValue)
    }

    /// nil when the member is null or absent; another type is an error.
    package func optionalString(_ name: String) throws(FetchProtocolError) -> String? {
        guard let value = present(name) else { return nil }
        return try required(name, value.stringValue)
    }

    package func optionalInteger(_ name: String) throws(FetchProtocolError) -> Int? {
        guard let value = present(name) else { return nil }
        return try required(name, value.integerValue)
    }

    package func strings(_ name: String) throws(FetchProtocolError) -> [String] {
        var result: [String] = []
        for value in try values(name) { result.append(try required(name, value.stringValue)) }
        return result
    }

    package func values(_ name: String) throws(FetchProtocolError) -> [JSONValue] {
        try required(name, object[name]?.arrayValue)
    }

    package func value(_ name: String) throws(FetchProtocolError) -> JSONValue {
        try required(name, object[name])
    }

    /// The member, unless it is null or absent.
    package func present(_ name: String) -> JSONValue? {
        guard let value = object[name], value != .null else { return nil }
        return value
    }

    /// The case of an enum whose raw values travel as words.
    package func word<Word: RawRepresentable<String>>(_ name: String) throws(FetchProtocolError) -> Word {
        try required(name, Word(rawValue: try string(name)))
    }

    private func required<Value>(_ name: String, _ value: Value?) throws(FetchProtocolError) -> Value {
        guard let value else { throw .malformed(what: "`\(place).\(name)` is missing or of the wrong type", line: "") }
        return value
    }
}
