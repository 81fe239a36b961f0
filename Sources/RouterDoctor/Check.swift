// SPDX-License-Identifier: MIT

package import JSONSyntax

/// One answered question about the stack.
package struct Check: Equatable, Sendable {
    package enum Outcome: String, Sendable {
        case pass, warn, fail
    }

    package var name: String
    package var outcome: Outcome
    /// Facts as `key=value`, in this order; values hold no secrets.
    package var facts: [(key: String, value: String)]
    /// A command to run, when there is one that helps.
    package var suggestion: String?

    package init(
        _ name: String, _ outcome: Outcome, _ facts: [(key: String, value: String)] = [], suggestion: String? = nil
    ) {
        self.name = name
        self.outcome = outcome
        self.facts = facts
        self.suggestion = suggestion
    }

    package static func == (left: Check, right: Check) -> Bool {
        left.name == right.name && left.outcome == right.outcome && left.suggestion == right.suggestion
            && left.facts.elementsEqual(right.facts) { $0.key == $1.key && $0.value == $1.value }
    }

    /// `doctor:<check>=pass|warn|fail key=value … [suggestion='<command>']`
    package func line(prefix: String) -> String {
        var text = "\(prefix):\(name)=\(outcome.rawValue)"
        for fact in facts { text += " \(fact.key)=\(Self.quoted(fact.value))" }
        if let suggestion { text += " suggestion='\(suggestion.replacing("'", with: "'\\''"))'" }
        return text
    }

    package var json: JSONValue {
        var object: JSONObject = ["check": .string(name), "outcome": .string(outcome.rawValue)]
        for fact in facts { object[fact.key] = .string(fact.value) }
        object["suggestion"] = JSONValue(suggestion)
        return .object(object)
    }

    /// A value that is one word of a line, whatever is in it.
    package static func quoted(_ value: String) -> String {
        let isPlain = !value.isEmpty && !value.contains { $0 == " " || $0 == "'" || $0 == "\n" || $0 == "\t" }
        return isPlain ? value : "'" + value.replacing("'", with: "'\\''").replacing("\n", with: " ") + "'"
    }
}
