// SPDX-License-Identifier: MIT

package import Diagnostics
package import JSONSyntax

/// The lines of the protocol: one request, then operator's input one way; updates and one result the other.
package enum FetchLine {
    /// Rises when an old helper could misunderstand a new command, or the other way round.
    package static let version = 1
    /// No line is longer; the longest are lists of credentials and the last lines of an installer's log.
    package static let limitBytes = 16 << 20

    /// What the helper reads first.
    package struct Request: Equatable, Sendable {
        package let name: String
        package let body: JSONValue
    }

    package static func encode<Value: FetchRequest>(_ request: Value) -> [UInt8] {
        line(["protocol": .integer(version), "request": .string(Value.name), "body": request.json])
    }

    package static func decodeRequest(_ bytes: [UInt8]) throws(FetchProtocolError) -> Request {
        // The line may hold secrets, so no error quotes it.
        guard let value = try? JSONParser.parse(bytes) else {
            throw .malformed(what: "the request is not JSON", line: "")
        }
        let fields = try FetchFields(value, of: "request")
        let theirs = try fields.integer("protocol")
        guard theirs == version else { throw .otherVersion(theirs: theirs, ours: version) }
        return Request(name: try fields.string("request"), body: try fields.value("body"))
    }

    package static func encode(input: String) -> [UInt8] {
        line(["input": .string(input)])
    }

    /// The operator's line; nil when the line is something else.
    package static func decodeInput(_ bytes: [UInt8]) -> String? {
        (try? JSONParser.parse(bytes))?["input"]?.stringValue
    }

    package static func encode(_ message: FetchMessage) -> [UInt8] {
        switch message {
        case .update(.progress(let progress)):
            line([
                "progress": [
                    "item": .string(progress.item), "step": .string(progress.step),
                    "detail": .string(progress.detail), "done": JSONValue(progress.doneBytes),
                    "total": JSONValue(progress.totalBytes),
                ]
            ])
        case .update(.notice(let diagnostic)): line(["notice": json(of: diagnostic)])
        case .update(.value(let name, let text)): line(["value": ["name": .string(name), "text": .string(text)]])
        case .update(.prompt(let text)): line(["prompt": .string(text)])
        case .result(let value): line(["result": value])
        case .failure(let diagnostic): line(["failure": json(of: diagnostic)])
        }
    }

    package static func decode(_ bytes: [UInt8]) throws(FetchProtocolError) -> FetchMessage {
        let text = String(decoding: bytes.prefix(80), as: UTF8.self)
        guard let object = (try? JSONParser.parse(bytes))?.objectValue, let first = object.members.first else {
            throw .malformed(what: "a line is not a JSON object", line: text)
        }
        switch first.name {
        case "progress": return .update(.progress(try progress(first.value)))
        case "notice": return .update(.notice(try diagnostic(first.value)))
        case "value":
            let fields = try FetchFields(first.value, of: "value")
            return .update(.value(name: try fields.string("name"), text: try fields.string("text")))
        case "prompt":
            return .update(.prompt(try FetchFields(.object(object), of: "message").string("prompt")))
        case "result": return .result(first.value)
        case "failure": return .failure(try diagnostic(first.value))
        default: throw .malformed(what: "unknown message `\(first.name)`", line: text)
        }
    }

    private static func line(_ value: JSONValue) -> [UInt8] {
        JSONWriter.bytes(of: value) + [UInt8(ascii: "\n")]
    }

    private static func progress(_ value: JSONValue) throws(FetchProtocolError) -> FetchProgress {
        let fields = try FetchFields(value, of: "progress")
        return FetchProgress(
            item: try fields.string("item"), step: try fields.string("step"), detail: try fields.string("detail"),
            doneBytes: try fields.optionalInteger("done"), totalBytes: try fields.optionalInteger("total"))
    }

    /// Spans are left out: nothing that the helper reads has lines that an operator wrote.
    package static func json(of diagnostic: Diagnostic) -> JSONValue {
        [
            "code": .string(diagnostic.code), "severity": .string(diagnostic.severity.rawValue),
            "message": .string(diagnostic.message), "notes": .array(diagnostic.notes.map(JSONValue.string)),
            "hints": .array(diagnostic.hints.map(JSONValue.string)),
        ]
    }

    package static func diagnostic(_ value: JSONValue) throws(FetchProtocolError) -> Diagnostic {
        let fields = try FetchFields(value, of: "diagnostic")
        return Diagnostic(
            try fields.string("code"), try fields.string("message"), severity: try fields.word("severity"),
            notes: try fields.strings("notes"), hints: try fields.strings("hints"))
    }
}

/// Cuts a byte stream into lines, holding no more than one line of `FetchLine.limitBytes`.
package struct FetchLineBuffer {
    private var bytes: [UInt8] = []
    /// Where the search for the next line break goes on.
    private var searched = 0

    package init() {}

    package mutating func append(_ chunk: [UInt8]) {
        bytes.append(contentsOf: chunk)
    }

    /// The next whole line without its break; nil when more bytes are needed.
    package mutating func next() throws(FetchProtocolError) -> [UInt8]? {
        guard let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) else {
            searched = bytes.count
            guard bytes.count <= FetchLine.limitBytes else { throw .lineTooLong(limitBytes: FetchLine.limitBytes) }
            return nil
        }
        guard end <= FetchLine.limitBytes else { throw .lineTooLong(limitBytes: FetchLine.limitBytes) }
        let line = Array(bytes[..<end])
        bytes.removeSubrange(...end)
        searched = 0
        return line
    }
}
