// SPDX-License-Identifier: MIT

internal import ArgumentParser
package import JSONSyntax

/// The command tree as a value, read from ArgumentParser's own description of it, for documentation.
package struct CommandReference: Sendable {
    package struct Argument: Sendable {
        /// `--config <path>`, `NAME`, …
        package let usage: String
        package let help: String
        package let isGlobal: Bool
        package let isPositional: Bool
        package let isOptional: Bool
    }

    package let path: [String]
    package let abstract: String
    package let discussion: String
    package let arguments: [Argument]
    package let subcommands: [CommandReference]

    /// The tree of `llm-router`.
    package static func root() throws(JSONError) -> CommandReference {
        let description = try JSONParser.parse(RootCommand._dumpHelp())
        return CommandReference(description["command"] ?? .null, above: [])
    }

    private static let globalNames: Set<String> = ["config", "output", "quiet", "no-color", "version", "help"]

    private init(_ command: JSONValue, above: [String]) {
        let name = command["commandName"]?.stringValue ?? ""
        path = above + [name]
        abstract = command["abstract"]?.stringValue ?? ""
        discussion = command["discussion"]?.stringValue ?? ""
        arguments = (command["arguments"]?.arrayValue ?? []).compactMap(Argument.init)
        let below = command["subcommands"]?.arrayValue ?? []
        subcommands = below.compactMap { [path] child in
            let isShown = child["shouldDisplay"]?.boolValue ?? true
            return isShown && child["commandName"]?.stringValue != "help" ? CommandReference(child, above: path) : nil
        }
    }

    /// This command and all below it, in the order of help.
    package var flattened: [CommandReference] { [self] + subcommands.flatMap(\.flattened) }

    /// `llm-router service start [<name> ...] [--wait] [--timeout <seconds>]`
    package var synopsis: String {
        var words = path
        if !subcommands.isEmpty { words.append("<command>") }
        for argument in arguments where !argument.isGlobal {
            words.append(argument.isOptional ? "[\(argument.usage)]" : argument.usage)
        }
        return words.joined(separator: " ")
    }

    /// docs/cli.md.
    package var markdown: String {
        var text = """
            # Command reference

            Written by `llm-router generate cli`; do not edit. Every command takes `--config <path>`,
            `--output text|json`, `--quiet`, `--no-color` and `--help`, before or after its name.

            Exit status: 0 done or healthy, 1 failed or unhealthy, 2 usage or configuration error, 130 interrupted.

            """
        for command in flattened where command.subcommands.isEmpty {
            text += "\n## \(command.path.joined(separator: " "))\n\n\(command.abstract)\n"
            if !command.discussion.isEmpty { text += "\n\(command.discussion)\n" }
            text += "\n```\n\(command.synopsis)\n```\n"
            let own = command.arguments.filter { !$0.isGlobal }
            if !own.isEmpty {
                text += "\n| argument | meaning |\n| --- | --- |\n"
                for argument in own { text += "| `\(argument.usage)` | \(argument.help) |\n" }
            }
        }
        return text
    }

    /// A manual page in troff.
    package var manual: String {
        var text = """
            .\\" Written by `llm-router generate man`.
            .TH LLM-ROUTER 1 "" "\(Version.line)" "User Commands"
            .SH NAME
            llm\\-router \\- \(Self.troff(abstract))
            .SH SYNOPSIS
            .B llm\\-router
            [\\-\\-config PATH] [\\-\\-output text|json] [\\-\\-quiet] [\\-\\-no\\-color] COMMAND ...
            .SH COMMANDS

            """
        for command in flattened where command.subcommands.isEmpty {
            text += ".TP\n.B \(Self.troff(command.synopsis))\n\(Self.troff(command.abstract))\n"
            for argument in command.arguments where !argument.isGlobal {
                text += ".RS\n.TP\n.I \(Self.troff(argument.usage))\n\(Self.troff(argument.help))\n.RE\n"
            }
        }
        text += """
            .SH EXIT STATUS
            0 done or healthy, 1 failed or unhealthy, 2 usage or configuration error, 130 interrupted.
            .SH ENVIRONMENT

            """
        for key in EnvironmentKey.allCases {
            text += ".TP\n.B \(Self.troff(key.rawValue))\n\(Self.troff(key.meaning))\n"
        }
        return text
    }

    private static func troff(_ text: String) -> String {
        let escaped = text.replacing("\\", with: "\\\\").replacing("-", with: "\\-").replacing("\n", with: " ")
        return escaped.hasPrefix(".") || escaped.hasPrefix("'") ? "\\&" + escaped : escaped
    }
}

extension CommandReference.Argument {
    fileprivate init?(_ argument: JSONValue) {
        guard argument["shouldDisplay"]?.boolValue == true else { return nil }
        let names = (argument["names"]?.arrayValue ?? []).compactMap { name -> String? in
            guard let text = name["name"]?.stringValue else { return nil }
            return name["kind"]?.stringValue == "short" ? "-" + text : "--" + text
        }
        let value = argument["valueName"]?.stringValue ?? ""
        let repeats = argument["isRepeating"]?.boolValue == true ? " ..." : ""
        let kind = argument["kind"]?.stringValue
        isPositional = kind == "positional"
        usage =
            switch kind {
            case "positional": "<\(value)>\(repeats)"
            case "flag": names.joined(separator: "/")
            default: names.joined(separator: "/") + " <\(value)>\(repeats)"
            }
        var words = argument["abstract"]?.stringValue ?? ""
        if let discussion = argument["discussion"]?.stringValue { words += " " + discussion }
        if let values = argument["allValues"]?.arrayValue, kind != "flag" {
            words += " One of: " + values.compactMap(\.stringValue).joined(separator: ", ") + "."
        }
        if let standard = argument["defaultValue"]?.stringValue { words += " Default: \(standard)." }
        help = words.trimmedSpaces
        isGlobal = names.contains { CommandReference.isGlobal($0) }
        isOptional = argument["isOptional"]?.boolValue ?? false
    }
}

extension CommandReference {
    fileprivate static func isGlobal(_ name: String) -> Bool {
        globalNames.contains(String(name.drop { $0 == "-" })) || name == "-h"
    }
}

extension String {
    fileprivate var trimmedSpaces: String {
        var text = self[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
