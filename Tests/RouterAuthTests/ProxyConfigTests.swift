// SPDX-License-Identifier: MIT

import FetchProtocol
import JSONSyntax
import RouterAuth
import SystemIO
import TestSupport
import Testing
import Transfer

@Suite struct ProxyConfigTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private static let text = """
        # the server's own file
        host: 127.0.0.1   # this machine only
        port: 8317
        api-keys: ["k1", "k2"]
        remote-management:
          # hashed by the server
          secret-key: "$2a$10$abcdefghijklmnopqrstuv"
          allow-remote: false
        odd: [1, {two: 2}]

        """

    private func change(_ changes: [ProxyConfigRequest.Change], _ text: String = text) throws -> String {
        let path = try scratch.write("c.yaml", text)
        let inode = try FileSystem.status(path)?.inode
        _ = try ProxyConfigFile(path: path).apply(changes)
        #expect(try FileSystem.status(path)?.inode == inode)
        return try scratch.read("c.yaml")
    }

    @Test func `one value changes, every other byte stays`() throws {
        let result = try change([.init("port", 9000)])
        #expect(result == Self.text.replacing("8317", with: "9000"))
    }

    @Test func `a value below another changes in place`() throws {
        let result = try change([.init("remote-management.secret-key", "plain")])
        #expect(result == Self.text.replacing("\"$2a$10$abcdefghijklmnopqrstuv\"", with: "plain"))
    }

    @Test func `a missing value is added where it belongs`() throws {
        let result = try change([.init("remote-management.disable-control-panel", true), .init("debug", false)])
        #expect(result.contains("  disable-control-panel: true\n"))
        #expect(result.hasSuffix("debug: false\n"))
        #expect(result.contains("# hashed by the server"))
    }

    @Test func `a value of a mapping that is missing too is added`() throws {
        #expect(try change([.init("a.b.c", "x")], "port: 1\n") == "port: 1\na: {b: {c: x}}\n")
    }

    @Test func `a list is replaced`() throws {
        let result = try change([.init("api-keys", ["n1", "n2", "n3"])])
        #expect(result.contains("n3"))
        #expect(!result.contains("k1"))
        #expect(result.contains("$2a$10$abcdefghijklmnopqrstuv"))
    }

    @Test func `a text that looks like a number stays a text`() throws {
        #expect(try change([.init("api-key", "0123")], "a: 1\n") == "a: 1\napi-key: \"0123\"\n")
    }

    @Test func `what the file says already is not written`() throws {
        let path = try scratch.write("c.yaml", Self.text)
        #expect(try !ProxyConfigFile(path: path).apply([.init("port", 8317)]))
        #expect(!FileSystem.exists(path + ".bak"))
    }

    @Test func `a file that is shorter afterwards is cut`() throws {
        let result = try change([.init("a", "x")], "a: \"a very long text that goes away\"\nb: 2\n")
        #expect(result == "a: x\nb: 2\n")
        #expect(try scratch.read("c.yaml.bak") == "a: \"a very long text that goes away\"\nb: 2\n")
    }

    @Test(arguments: ["- 1\n", "a: 1\na: 2\n", "\tx", "port: [1]\nport2: {\n"])
    func `what is no mapping is refused and left alone`(text: String) throws {
        let path = try scratch.write("c.yaml", text)
        #expect(throws: AuthError.self) { _ = try ProxyConfigFile(path: path).apply([.init("x", 1)]) }
        #expect(try scratch.read("c.yaml") == text)
    }

    @Test func `a scalar in the way of a mapping is refused`() throws {
        let path = try scratch.write("c.yaml", "remote-management: 7\n")
        let error = #expect(throws: AuthError.self) {
            _ = try ProxyConfigFile(path: path).apply([.init("remote-management.secret-key", "x")])
        }
        #expect(error == .configNotMapping(path: path, key: "secret-key"))
    }

    @Test(arguments: LoginTests.releases)
    func `a running server sees the change, and what it wrote itself stays`(release: String) throws {
        let server = try PlayedServer(release)
        let process = try server.start()
        let hashed = try server.scratch.read("config.yaml")
        #expect(hashed.contains("$2a$10$"))
        #expect(try ProxyConfigFile(path: server.configPath).apply([.init("api-keys", ["other-key"])]))
        #expect(becomesTrue { (try? server.get("/v1/models", key: "other-key").head.status) == 200 })
        // Still the same management key.
        #expect(try server.get("/v0/management/config").head.status == 200)
        try process.kill9()
    }
}
