// SPDX-License-Identifier: MIT

import SystemIO
import TestSupport
import Testing

/// docs/diagnostics.md lists every code; it is read from the sources, where words and codes stand side by side.
@Suite struct DiagnosticsPageTests {
    @Test func `the page lists every code of the sources`() throws {
        #expect(try Golden.matches("docs/diagnostics.md", Self.page()), "run the tests with UPDATE_GOLDEN=1")
    }

    @Test func `codes are written alike`() throws {
        for code in try Self.codes().keys {
            #expect(code.wholeMatch(of: #/[a-z]+/[a-z0-9]+(-[a-z0-9]+)*/#) != nil, "\(code)")
        }
    }

    private static func page() throws -> String {
        var text = """
            # Diagnostics

            Written from the sources by the tests (`UPDATE_GOLDEN=1`); do not edit. Every error, warning and note has a
            code, shown in brackets behind its message and in `--output json`. A code keeps its meaning; words may change.

            """
        var area = ""
        for (code, message) in try codes().sorted(by: { $0.key < $1.key }) {
            let own = String(code.prefix { $0 != "/" })
            if own != area { text += "\n## \(own)\n\n| code | message |\n| --- | --- |\n" }
            area = own
            text += "| `\(code)` | \(message.replacing("|", with: "\\|")) |\n"
        }
        return text
    }

    /// The first message that the sources have for each code, with `…` for what is filled in.
    private static func codes() throws -> [String: String] {
        var found: [String: String] = [:]
        for path in try swiftFiles(below: Golden.repository + "/Sources") {
            let source = String(decoding: try FileSystem.read(path, limit: 4 << 20), as: UTF8.self)
            for match in source.matches(of: #/Diagnostic\(\s*"([a-z]+/[a-zA-Z0-9-]+)",\s*(")?/#) {
                let code = String(match.output.1)
                let message = match.output.2 == nil ? "" : literal(source[match.range.upperBound...])
                if found[code, default: ""].isEmpty { found[code] = message }
            }
        }
        return found
    }

    /// The text up to the closing quote; interpolations become `…`.
    private static func literal(_ source: Substring) -> String {
        var text = ""
        var rest = source
        while let character = rest.popFirst(), character != "\"" {
            guard character == "\\" else {
                text.append(character)
                continue
            }
            guard let escaped = rest.popFirst() else { break }
            guard escaped == "(" else {
                text.append(escaped)
                continue
            }
            var depth = 1
            while depth > 0, let inner = rest.popFirst() {
                if inner == "(" { depth += 1 } else if inner == ")" { depth -= 1 }
            }
            text += "…"
        }
        return text
    }

    private static func swiftFiles(below folder: String) throws -> [String] {
        try FileSystem.list(folder).flatMap { name -> [String] in
            let path = folder + "/" + name
            if try FileSystem.status(path)?.kind == .directory { return try swiftFiles(below: path) }
            return name.hasSuffix(".swift") ? [path] : []
        }
    }
}
