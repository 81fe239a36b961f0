// SPDX-License-Identifier: MIT

import SystemIO
import TestSupport
import Testing

/// The pinned LiteLLM, in a private Python environment below `.build` that is made once and kept.
enum LiteLLMInstallation {
    static let folder = Golden.repository + "/.build/litellm-venv"
    static var python: String { folder + "/bin/python" }

    /// Why these tests cannot run here; nil when they can.
    static let obstacle: String? = {
        guard !FileSystem.exists(python) else { return nil }
        let venv = try? Program("/usr/bin/env", ["python3", "-c", "import venv, ensurepip"]).run()
        return venv?.code == 0 ? nil : "python3 with the venv module is missing: apt-get install python3-venv"
    }()

    static let condition: ConditionTrait = .disabled(if: obstacle != nil, Comment(rawValue: obstacle ?? ""))

    /// Installs what config/litellm.lock says unless that is there already.
    static func prepare() throws {
        let lockFile = Golden.repository + "/config/litellm.lock"
        try PrivateDirectory.create(PathName.parent(of: folder))
        let turn = try FileLock.acquire(folder + ".lock")
        defer { withExtendedLifetime(turn) {} }
        let version = "assert __import__('importlib.metadata').metadata.version('litellm') == '\(pinned)'"
        if FileSystem.exists(python), try Program(python, ["-c", version]).run().code == 0 { return }
        try #require(try Program("/usr/bin/env", ["python3", "-m", "venv", "--clear", folder]).run().code == 0)
        let pip = Program(python, ["-m", "pip", "install", "-q", "--require-hashes", "--no-deps", "-r", lockFile])
        let result = try pip.run(limit: .seconds(600))
        try #require(result.code == 0, "\(result)")
    }

    /// The version in config/litellm.in.
    static var pinned: String {
        let text = (try? FileSystem.read(Golden.repository + "/config/litellm.in", limit: 1 << 16)) ?? []
        let line = String(decoding: text, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("litellm[") } ?? ""
        return line.split(separator: "=").last.map(String.init) ?? ""
    }

    /// The variables for a start that asks nobody on the network.
    static let environment: [String: String] = Program.inherited.merging([
        "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_MODE": "PRODUCTION", "LITELLM_LOG": "ERROR", "NO_DOCS": "True",
        "DISABLE_ADMIN_UI": "True",
    ]) { _, new in new }

    /// The proxy on `port`; the console script is not used, since it holds the path it was installed at.
    static func proxy(config: String, port: Int, variables: [String: String]) throws -> RunningProgram {
        try Program(
            python,
            [
                "-c", "import sys; sys.argv[0] = 'litellm'; from litellm import run_server; sys.exit(run_server())",
                "--config",
                config, "--host", "127.0.0.1", "--port", "\(port)", "--telemetry", "False",
            ], environment: environment.merging(variables) { _, new in new }
        ).start()
    }

    static func script(_ name: String) -> String { Golden.repository + "/Tests/Fixtures/litellm/" + name }
}
