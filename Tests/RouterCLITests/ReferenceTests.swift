// SPDX-License-Identifier: MIT

import RouterCLI
import SystemIO
import TestSupport
import Testing

/// Documents that are written by the command itself; `UPDATE_GOLDEN=1` writes them anew.
@Suite struct ReferenceTests {
    @Test(arguments: [
        ("docs/cli.md", GenerateCommand.Subject.cli), ("docs/environment.md", .environment),
        ("docs/configuration.md", .configuration),
        ("config/schema/routertool.schema.json", .schema),
    ])
    func `generated documents are as the code is`(path: String, subject: GenerateCommand.Subject) throws {
        #expect(
            try Golden.matches(path, GenerateCommand.text(of: subject)),
            "run: UPDATE_GOLDEN=1 swift test --filter ReferenceTests")
    }

    @Test func `every command of the front page parses`() throws {
        let readme = String(
            decoding: try FileSystem.read(Golden.repository + "/README.md", limit: 1 << 20), as: UTF8.self)
        let commands = readme.split(separator: "\n").filter { $0.hasPrefix("llm-router ") }
        #expect(commands.count > 8)
        for command in commands {
            let words = command.prefix { $0 != "#" }.split(separator: " ").dropFirst().map(String.init)
            #expect(throws: Never.self, "\(command)") { _ = try CommandLineTool.parse(words) }
        }
    }

    @Test func `the manual page names every command`() throws {
        let manual = try GenerateCommand.text(of: .man)
        for command in try CommandReference.root().flattened where command.subcommands.isEmpty {
            #expect(manual.contains(command.path.dropFirst().joined(separator: " ").replacing("-", with: "\\-")))
        }
    }
}
