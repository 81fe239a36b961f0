// SPDX-License-Identifier: MIT

import SystemIO
import TestSupport
import Testing

/// What must hold of every source file without anybody thinking of it.
@Suite struct TidyTests {
    @Test(arguments: try SourceFile.all(below: ["Sources", "Tests"]))
    func `starts with the licence line`(file: SourceFile) {
        let first = file.lines.first { !$0.hasPrefix("// swift-tools-version") }
        #expect(first == "// SPDX-License-Identifier: MIT")
    }

    @Test(arguments: try SourceFile.all(below: ["Sources", "Tests"]))
    func `is short enough to be read`(file: SourceFile) {
        #expect(file.lines.count <= 600, "split \(file.path)")
    }

    @Test(arguments: try SourceFile.all(below: ["Sources"]))
    func `uses no banned word`(file: SourceFile) {
        for (number, problem) in file.problems() {
            Issue.record("\(file.path):\(number): \(problem)")
        }
    }

    @Test(arguments: try SourceFile.all(below: ["Sources"]))
    func `explains its types`(file: SourceFile) {
        for (index, line) in file.lines.enumerated() where SourceFile.declaresSharedType(line) {
            var above = index - 1
            while above >= 0, file.lines[above].hasPrefix("@") { above -= 1 }
            #expect(above >= 0 && file.lines[above].hasPrefix("///"), "\(file.path):\(index + 1) has no summary")
        }
    }

    @Test(arguments: try SourceFile.all(below: ["Sources/LLMRouting", "Sources/RoleProviders"]))
    func `explains what library users see`(file: SourceFile) {
        for (index, line) in file.lines.enumerated() where SourceFile.declaresPublicMember(line) {
            var above = index - 1
            while above >= 0, file.lines[above].drop(while: { $0 == " " }).hasPrefix("@") { above -= 1 }
            let isExplained = above >= 0 && file.lines[above].drop { $0 == " " }.hasPrefix("///")
            #expect(isExplained, "\(file.path):\(index + 1) has no summary")
        }
    }

    @Test func `the rules find what they are for`() {
        let bad = SourceFile(
            path: "Sources/Example/Bad.swift",
            lines: ["import CYAML", "let x = try! f()", "let y = z as! Int", "print(1)", "DispatchQueue.main"])
        #expect(bad.problems().map(\.line) == [1, 2, 3, 4, 5])
        #expect(SourceFile.declaresSharedType("package struct X {"))
        #expect(!SourceFile.declaresSharedType("    package struct X {"))
        #expect(SourceFile.declaresPublicMember("    public private(set) var x = 1"))
        for line in ["    public init(x: Int) {", "public import LLMRouting", "    var x = 1"] {
            #expect(!SourceFile.declaresPublicMember(line))
        }
    }

    @Test func `the front page stays a page`() throws {
        let readme = try SourceFile.read("README.md")
        #expect(readme.lines.count < 200)
    }

    @Test func `links between documents lead somewhere`() throws {
        for name in ["README.md", "CHANGELOG.md"] + (try SourceFile.paths(below: "docs", ending: ".md")) {
            for target in try SourceFile.read(name).localLinks() {
                let path = PathName.resolve(target, against: Golden.repository + "/" + PathName.parent(of: name))
                #expect(FileSystem.exists(path), "\(name) links to \(target)")
            }
        }
    }
}
