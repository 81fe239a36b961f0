// SPDX-License-Identifier: MIT

import JSONSyntax
import RouterAuth
import SystemIO
import TestSupport
import Testing

/// A thousand damaged files of the Codex CLI: none may crash the import, leave a part of a file, or count as a login.
@Suite struct ImportFuzzTests {
    @Test(arguments: [1, 2, 3, 4])
    func `250 damaged files`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let scratch = try ScratchFolder()
        let folder = scratch.path("auths")
        var accepted = 0
        for _ in 0..<250 {
            let bytes = Self.damaged(&random)
            let source = try scratch.write("auth.json", bytes)
            try FileSystem.removeTree(folder)
            let outcome = try? HeadlessImport(source: source, destination: folder).run(now: CodexFile.now)
            let names = FileSystem.exists(folder) ? try FileSystem.list(folder) : []
            #expect(!names.contains { $0.hasSuffix(AtomicFile.temporarySuffix) })
            let files = names.filter { $0.hasSuffix(".json") }
            guard let outcome else {
                #expect(files.isEmpty)
                continue
            }
            accepted += 1
            #expect(files == [PathName.last(of: outcome.path)])
            try Self.check(outcome.path, against: bytes)
        }
        // Damage that hits nothing of importance leaves a good file, or the test would prove nothing about successes.
        #expect(accepted > 5 && accepted < 245, "\(accepted)")
    }

    /// What was written must be whole, and every secret in it must come from the source.
    private static func check(_ path: String, against source: [UInt8]) throws {
        let object = try #require(try JSONParser.parse(try FileSystem.read(path, limit: 4 << 20)).objectValue)
        let tokens = try #require(try JSONParser.parse(source)["tokens"])
        #expect(object["type"] == "codex")
        #expect(object["access_token"] == tokens["access_token"])
        #expect(object["refresh_token"] == tokens["refresh_token"])
        for name in ["access_token", "refresh_token", "account_id", "last_refresh", "expired"] {
            #expect(object[name]?.stringValue?.isEmpty == false, "\(name)")
        }
        let token = try #require(object["access_token"]?.stringValue)
        #expect(object["expired"]?.stringValue == JSONWebToken(token)?.expiry?.rfc3339)
        let moment = try #require(object["last_refresh"]?.stringValue)
        #expect(Timestamp(rfc3339: moment) != nil)
    }

    private static func damaged(_ random: inout SeededGenerator) -> [UInt8] {
        var object = CodexFile.object(email: Bool.random(using: &random) ? "b@example.org" : nil)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: return flipped(Array(CodexFile.text(object).utf8), &random)
        case 1:
            let text = Array(CodexFile.text(object).utf8)
            return Array(text.prefix(Int.random(in: 0...text.count, using: &random)))
        case 2:
            object["tokens"] = changed(object["tokens"] ?? .null, &random)
            return Array(CodexFile.text(object).utf8)
        case 3:
            let name = object.names.randomElement(using: &random) ?? "tokens"
            object[name] = odd(&random)
            return Array(CodexFile.text(object).utf8)
        default:
            object["extra"] = odd(&random)
            return Array(CodexFile.text(object).utf8)
        }
    }

    private static func flipped(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...8, using: &random) {
            let index = Int.random(in: 0..<bytes.count, using: &random)
            bytes[index] = UInt8.random(in: .min ... .max, using: &random)
        }
        return bytes
    }

    private static func changed(_ value: JSONValue, _ random: inout SeededGenerator) -> JSONValue {
        guard var tokens = value.objectValue, let name = tokens.names.randomElement(using: &random) else {
            return value
        }
        if Bool.random(using: &random) {
            tokens[name] = odd(&random)
        } else if let text = tokens[name]?.stringValue {
            tokens[name] = .string(String(decoding: flipped(Array(text.utf8), &random), as: UTF8.self))
        }
        return .object(tokens)
    }

    private static func odd(_ random: inout SeededGenerator) -> JSONValue {
        let values: [JSONValue] = [
            .null, 0, -1, .double(1e308), "", " ", "\u{0}", "..", ".", "a.b.c", true, [], [:], ["tokens"],
            .string(String(repeating: "x", count: 100_000)), .string(String(repeating: ".", count: 50)),
            .string(CodexFile.token(["exp": .integer(Int.max)])), .string(CodexFile.token(["exp": -5])),
            .string(CodexFile.token(["exp": "soon"])), "2026-99-99T99:99:99Z", "2026-02-30T00:00:00Z",
        ]
        return values.randomElement(using: &random) ?? .null
    }
}

/// The same numbers for the same seed, on every machine.
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
