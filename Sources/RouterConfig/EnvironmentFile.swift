// SPDX-License-Identifier: MIT

package import Diagnostics
internal import SystemIO

/// Reads `KEY=value` files; their values are secrets.
package enum EnvironmentFile {
    /// Larger files are refused.
    package static let sizeLimit = 1 << 20
    static let nameWords = "a variable name: letters, digits and `_`, not beginning with a digit"

    /// The variables of the file at `path`, in written order; of the same name the last counts.
    ///
    /// Others must not be able to read the file; that, and every bad line, is reported at once.
    package static func read(_ path: String) throws(DiagnosticList) -> [(name: String, value: Secret<String>)] {
        do {
            let bytes = try FileSystem.read(path, limit: sizeLimit)
            if let mode = try FileSystem.status(path)?.mode, mode & 0o077 != 0 {
                throw EnvironmentFileError.readableByOthers(path: path, mode: mode).diagnostic
            }
            return try parse(bytes, name: path)
        } catch let list as DiagnosticList {
            throw list
        } catch let error as any DiagnosticConvertible {
            throw DiagnosticList([error.diagnostic])
        } catch {
            preconditionFailure("every error here has words")
        }
    }

    /// The variables of a text: blank lines and `#` comments are skipped, `export ` may lead, values may be quoted.
    ///
    /// Spans of errors never show a line, since it may hold a secret.
    package static func parse(_ bytes: [UInt8], name file: String) throws(DiagnosticList)
        -> [(name: String, value: Secret<String>)]
    {
        var result: [(name: String, value: Secret<String>)] = []
        var problems = DiagnosticList()
        for (index, raw) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            do {
                guard let (name, value) = try parse(line: raw) else { continue }
                result.removeAll { $0.name == name }
                result.append((name, Secret(value)))
            } catch {
                let start = SourcePosition(line: index + 1, column: 1)
                problems.append(error.diagnostic(at: SourceSpan(file: file, start: start, length: 1, lineText: "")))
            }
        }
        if problems.hasErrors { throw problems }
        return result
    }

    /// Whether `text` is a name that a shell could set.
    package static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, isAlphanumeric(first) || first == UInt8(ascii: "_") else { return false }
        return !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first)
            && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "_") }
    }

    private static func parse(line raw: ArraySlice<UInt8>) throws(EnvironmentFileError) -> (String, String)? {
        guard let text = String(validating: raw, as: UTF8.self), !text.utf8.contains(0) else { throw .notText }
        var line = text.trimmingSpaces()
        if line.isEmpty || line.hasPrefix("#") { return nil }
        if line.hasPrefix("export ") { line = line.dropFirst(7).trimmingSpaces() }
        guard let equals = line.firstIndex(of: "=") else { throw .noEquals }
        let name = String(line[..<equals])
        guard isName(name) else { throw .badName }
        return (name, try unquoted(line[line.index(after: equals)...]))
    }

    /// `'…'` is taken literally, `"…"` knows `\"`, `\\`, `\n` and `\$`; a bare value ends before ` #`.
    private static func unquoted(_ raw: Substring) throws(EnvironmentFileError) -> String {
        guard let quote = raw.first, quote == "'" || quote == "\"" else {
            var value = ""
            var previous: Character = "x"
            for character in raw {
                if character == "#", previous == " " { break }
                value.append(character)
                previous = character
            }
            return String(value[...].trimmingSpaces())
        }
        var value = ""
        var rest = raw.dropFirst()
        while let character = rest.popFirst() {
            if character == quote {
                let after = rest.trimmingSpaces()
                guard after.isEmpty || after.hasPrefix("#") else { throw .textAfterQuote }
                return value
            }
            if character == "\\", quote == "\"", let escaped = rest.popFirst() {
                switch escaped {
                case "n": value.append("\n")
                case "\"", "\\", "$": value.append(escaped)
                default: value += "\\\(escaped)"
                }
            } else {
                value.append(character)
            }
        }
        throw .openQuote
    }
}

/// What is wrong with an environment file; never holds any of its text.
enum EnvironmentFileError: Error, Equatable {
    case readableByOthers(path: String, mode: UInt32)
    case notText
    case noEquals
    case badName
    case openQuote
    case textAfterQuote
}

extension EnvironmentFileError: DiagnosticConvertible {
    var diagnostic: Diagnostic { diagnostic(at: nil) }

    func diagnostic(at span: SourceSpan?) -> Diagnostic {
        switch self {
        case .readableByOthers(let path, let mode):
            Diagnostic(
                "config/env-file-mode",
                "`\(path)` holds secrets, and others may read it (mode 0\(String(mode, radix: 8)))", at: span,
                hints: ["chmod 600 \(path)"])
        case .notText: Diagnostic("config/env-file-line", "this line is not UTF-8 text", at: span)
        case .noEquals:
            Diagnostic("config/env-file-line", "this line has no `=`", at: span, hints: ["write `NAME=value`"])
        case .badName:
            Diagnostic(
                "config/env-file-line", "what is before `=` is not \(EnvironmentFile.nameWords)", at: span,
                hints: ["write `NAME=value`, without spaces around `=`"])
        case .openQuote: Diagnostic("config/env-file-line", "the quote is not closed on this line", at: span)
        case .textAfterQuote: Diagnostic("config/env-file-line", "there is text after the closing quote", at: span)
        }
    }
}

extension StringProtocol {
    /// Without spaces, tabs and carriage returns at both ends.
    fileprivate func trimmingSpaces() -> SubSequence {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" }
        let head = drop(while: isSpace)
        var end = head.endIndex
        while end > head.startIndex, isSpace(head[head.index(before: end)]) { end = head.index(before: end) }
        return head[head.startIndex..<end]
    }
}
