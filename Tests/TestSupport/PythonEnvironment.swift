// SPDX-License-Identifier: MIT

internal import SystemIO

/// A Python environment below `.build` that is made once and kept; tests use real client libraries from it.
package enum PythonEnvironment {
    /// Why no environment can be made here.
    package struct Missing: Error, CustomStringConvertible {
        package let description: String
    }

    /// What the tests of the gateway's API are run with. Pinned, so that a new release of a client is a change of ours.
    private static let clients = [
        "anthropic==2.11.0", "instructor==1.17.0", "langchain-openai==1.7.3", "litellm==1.106.2", "llm==0.32.1",
        // litellm imports it for tool calls without asking for it.
        "mcp==2.3.0", "openai==2.54.0",
    ]

    /// The interpreter of an environment with the client libraries that people call a gateway with.
    package static func withClientLibraries() throws -> String {
        try interpreter(named: "clients-venv", packages: clients)
    }

    /// The interpreter of an environment with LiteLLM's proxy.
    package static func withLiteLLMProxy() throws -> String {
        try interpreter(named: "litellm-venv", packages: ["litellm[proxy]==1.106.2"])
    }

    /// The interpreter of an environment with the program that makes up requests from an OpenAPI document.
    package static func withSchemathesis() throws -> String {
        try interpreter(named: "schemathesis-venv", packages: ["schemathesis==4.32.5"])
    }

    /// The interpreter of the environment `name`, with `packages` from the package index.
    private static func interpreter(named name: String, packages: [String]) throws -> String {
        let folder = Golden.repository + "/.build/" + name
        let interpreter = folder + "/bin/python"
        let marker = folder + "/.complete"
        let contents = Array(packages.joined(separator: "\n").utf8)
        try PrivateDirectory.create(PathName.parent(of: folder))
        let turn = try FileLock.acquire(folder + ".lock")
        defer { withExtendedLifetime(turn) {} }
        if let installed = try? FileSystem.read(marker, limit: 1 << 16), installed == contents { return interpreter }
        let make = try Program("/usr/bin/env", ["python3", "-m", "venv", "--clear", folder]).run()
        guard make.code == 0 else { throw Missing(description: "apt-get install python3-venv: \(make)") }
        let install = try Program(interpreter, ["-m", "pip", "install", "--quiet"] + packages).run(limit: .seconds(600))
        guard install.code == 0 else { throw Missing(description: "pip cannot install \(packages): \(install)") }
        try AtomicFile.write(contents, to: marker, mode: 0o600)
        return interpreter
    }
}
