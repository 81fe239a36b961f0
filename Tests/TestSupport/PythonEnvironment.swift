// SPDX-License-Identifier: MIT

internal import SystemIO

/// A Python environment below `.build` that is made once and kept; tests use real client libraries from it.
package enum PythonEnvironment {
    /// Why no environment can be made here.
    package struct Missing: Error, CustomStringConvertible {
        package let description: String
    }

    /// The interpreter of an environment with the real `openai` and `anthropic` packages.
    package static func withClientLibraries() throws -> String {
        try interpreter(named: "sdk-venv", packages: ["openai", "anthropic"])
    }

    /// The interpreter of the environment `name`, with `packages` from the package index.
    private static func interpreter(named name: String, packages: [String]) throws -> String {
        let folder = Golden.repository + "/.build/" + name
        let interpreter = folder + "/bin/python"
        let marker = folder + "/.complete"
        try PrivateDirectory.create(PathName.parent(of: folder))
        let turn = try FileLock.acquire(folder + ".lock")
        defer { withExtendedLifetime(turn) {} }
        if FileSystem.exists(marker) { return interpreter }
        let make = try Program("/usr/bin/env", ["python3", "-m", "venv", "--clear", folder]).run()
        guard make.code == 0 else { throw Missing(description: "apt-get install python3-venv: \(make)") }
        let install = try Program(interpreter, ["-m", "pip", "install", "--quiet"] + packages).run(limit: .seconds(600))
        guard install.code == 0 else { throw Missing(description: "pip cannot install \(packages): \(install)") }
        try AtomicFile.write([], to: marker, mode: 0o600)
        return interpreter
    }
}
