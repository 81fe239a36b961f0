// SPDX-License-Identifier: MIT

package import Diagnostics
package import JSONSyntax

extension Diagnostic {
    /// The diagnostic for `--output json`.
    package var json: JSONValue {
        var object: JSONObject = [
            "code": .string(code), "severity": .string(severity.rawValue), "message": .string(message),
        ]
        if let span {
            object["file"] = .string(span.file)
            object["line"] = .integer(span.start.line)
            object["column"] = .integer(span.start.column)
        }
        if !notes.isEmpty { object["notes"] = .array(notes.map(JSONValue.string)) }
        if !hints.isEmpty { object["hints"] = .array(hints.map(JSONValue.string)) }
        return .object(object)
    }
}
