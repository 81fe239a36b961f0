// SPDX-License-Identifier: MIT

import SystemIO
import TestSupport
import Testing

/// One text file of the repository.
struct SourceFile: Sendable, CustomTestStringConvertible {
    let path: String
    let lines: [String]

    var testDescription: String { path }

    static func read(_ path: String) throws -> SourceFile {
        let bytes = try FileSystem.read(Golden.repository + "/" + path, limit: 4 << 20)
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        return SourceFile(path: path, lines: lines.map(String.init))
    }

    static func all(below folders: [String]) throws -> [SourceFile] {
        try folders.flatMap { try paths(below: $0, ending: ".swift") }.map(read)
    }

    static func paths(below folder: String, ending suffix: String) throws -> [String] {
        let root = Golden.repository + "/" + folder
        guard FileSystem.exists(root) else { return [] }
        return try FileSystem.list(root).flatMap { name -> [String] in
            let path = folder + "/" + name
            let found = try FileSystem.status(Golden.repository + "/" + path, followingLinks: false)
            if found?.kind == .directory, !name.hasPrefix(".") { return try paths(below: path, ending: suffix) }
            return name.hasSuffix(suffix) ? [path] : []
        }
    }

    static func declaresSharedType(_ line: String) -> Bool {
        ["struct ", "enum ", "final class ", "protocol ", "actor ", "class "].contains { kind in
            line.hasPrefix("package " + kind) || line.hasPrefix("public " + kind)
        }
    }

    /// What needs a summary of its own: neither initializers, whose parameters are members, nor operators, nor what a
    /// protocol explains.
    static func declaresPublicMember(_ line: String) -> Bool {
        let text = line.drop { $0 == " " }
        guard text.hasPrefix("public "), !text.hasPrefix("public import ") else { return false }
        let exempt = [
            "public init", "public static func <", "public static func +", "public static func -",
            "public static func *", "public var description", "public let description", "public func complete(",
            "public func stream(", "public func store(", "public func choose(", "public func keep(",
            "public func take(", "public func balances(",
        ]
        return !exempt.contains { text.hasPrefix($0) }
    }

    private static let banned: [(word: String, instead: String)] = [
        ("try!", "handle the error"),
        (" as! ", "use `as?` and handle nil"),
        ("fatalError(", "a precondition with a sentence, or a diagnostic"),
        ("DispatchQueue", "the event loop, or a Mutex"),
        ("NSLock", "Mutex"),
        ("Task.detached", "structured concurrency"),
        ("FIXME", "an issue"),
        ("TODO", "an issue"),
        ("import XCTest", "Swift Testing"),
    ]

    /// Which target may import which C library.
    private static let owners = [
        "CArchive": "RouterBootstrap", "CCurl": "Transfer", "CRouterSystem": "SystemIO", "CSQLite": "GatewayHTTP",
        "CYAML": "YAMLSyntax",
    ]

    /// The lines (from 1) that break a rule, and which.
    func problems() -> [(line: Int, problem: String)] {
        lines.enumerated().compactMap { index, line in
            let code = line.drop { $0 == " " }
            guard !code.hasPrefix("//") else { return nil }
            if let rule = Self.banned.first(where: { line.contains($0.word) }) {
                return (index + 1, "`\(rule.word)`: instead, \(rule.instead)")
            }
            if code.hasPrefix("print(") { return (index + 1, "`print(`: instead, Console") }
            for (library, owner) in Self.owners where code.hasSuffix("import \(library)") {
                if !path.hasPrefix("Sources/\(owner)/") { return (index + 1, "only \(owner) imports \(library)") }
            }
            return nil
        }
    }

    /// The targets of Markdown links that point into the repository.
    func localLinks() -> [String] {
        lines.flatMap { line in
            line.split(separator: "](").dropFirst().compactMap { rest -> String? in
                guard let end = rest.firstIndex(of: ")") else { return nil }
                let target = rest[..<end].prefix { $0 != "#" }
                return target.isEmpty || target.contains("://") || target.contains(" ") ? nil : String(target)
            }
        }
    }
}
