// SPDX-License-Identifier: MIT

import Diagnostics
import FetchProtocol
import RouterBootstrap
import SystemIO
import TestSupport
import Testing

/// LiteLLM's installation with small scripts that play `python3` and `uv`.
final class LiteLLMBootstrapTests {
    private let scratch: ScratchFolder
    private let sink: OwnedDescriptor
    private let channel: FetchChannel

    init() throws {
        scratch = try ScratchFolder()
        sink = try OwnedDescriptor.open(scratch.path("messages"), [.writeOnly, .create, .append])
        channel = FetchChannel(output: sink.rawValue)
    }

    private var runtime: String { scratch.path("runtime") }
    private var tools: String { scratch.path("tools") }

    /// A `python3` whose `venv` makes an environment whose pip "installs" what `install` says.
    private func writePython(install: String = LiteLLMBootstrapTests.install) throws {
        try scratch.write(
            "tools/python3",
            """
            #!/bin/sh
            [ "$1 $2" = "-m venv" ] || exit 9
            mkdir -p "$3/bin" "$3/lib/python3.11/site-packages"
            cat > "$3/bin/python" <<'END'
            #!/bin/sh
            if [ "$1 $2 $3" = "-m pip install" ]; then
                root=$(dirname "$(dirname "$0")"); packages=$root/lib/python3.11/site-packages
                for wanted; do case $wanted in litellm*) break ;; esac; done
                echo "Collecting $wanted"
            \(install)
            else
                echo "python $*"; env | grep -E 'LITELLM|PYTHON' | sort
            fi
            END
            chmod +x "$3/bin/python"
            """, mode: 0o755)
    }

    private static let install = """
        version=${wanted##*==}
        mkdir -p "$packages/litellm-$version.dist-info"
        echo '#!/bin/sh' > "$root/bin/litellm"; chmod +x "$root/bin/litellm"
        """

    private func request(_ version: String = "1.106.2") -> InstallLiteLLMRequest {
        InstallLiteLLMRequest(runtimeDirectory: runtime, version: version, searchPath: tools)
    }

    @discardableResult
    private func install(_ request: InstallLiteLLMRequest? = nil) throws -> InstalledArtifact {
        try LiteLLMBootstrap(
            request ?? self.request(), environment: ["PATH": tools + ":/usr/bin:/bin"], channel: channel
        ).run()
    }

    private func failure(_ request: InstallLiteLLMRequest? = nil) -> Diagnostic? {
        do {
            try install(request)
            return nil
        } catch { return (error as? any DiagnosticConvertible)?.diagnostic }
    }

    @Test func `installs the pinned version into an environment of its own`() throws {
        try writePython()
        let artifact = try install()
        #expect(artifact.path == runtime + "/bin/litellm")
        #expect(artifact.change == .installed)
        #expect(try FileSystem.status(artifact.path)?.mode == 0o755)
        #expect(try install().change == .unchanged)
        #expect(try Stock(runtimeDirectory: runtime).verify().items.map(\.problem) == [nil])
    }

    @Test func `the runner keeps LiteLLM off the network, unless told otherwise`() throws {
        try writePython()
        let runner = try install().path
        let command = runtime + "/litellm-1.106.2/bin/litellm"
        let plain = try Program(runner, ["--port", "1"]).run()
        #expect(
            plain.lines == [
                "python \(command) --telemetry False --port 1", "LITELLM_LOCAL_MODEL_COST_MAP=True",
                "LITELLM_MODE=PRODUCTION", "PYTHONNOUSERSITE=1",
            ])
        let environment = Program.inherited.merging(["LITELLM_LOCAL_MODEL_COST_MAP": "False"]) { $1 }
        let told = try Program(runner, ["--telemetry", "True"], environment: environment).run()
        #expect(told.lines.first == "python \(command) --telemetry True")
        #expect(told.lines.contains("LITELLM_LOCAL_MODEL_COST_MAP=False"))
    }

    @Test func `a new version replaces the runner and keeps the old environment for a rollback`() throws {
        try writePython()
        try install(request("1.106.1"))
        try install()
        #expect(try scratch.read("runtime/bin/litellm").contains("litellm-1.106.2/bin/python"))
        let back = try Stock(runtimeDirectory: runtime).rollBack("litellm", channel: channel)
        #expect(back.version == "1.106.1")
        #expect(try scratch.read("runtime/bin/litellm").contains("litellm-1.106.1/bin/python"))
        try install(request("1.106.3"))
        #expect(try Stock(runtimeDirectory: runtime).list().artifacts.map(\.version) == ["1.106.3", "1.106.1"])
        #expect(!FileSystem.exists(runtime + "/litellm-1.106.2"))
    }

    @Test func `force builds beside the environment that a service may be running from`() throws {
        try writePython()
        try install()
        var request = request()
        request.repetition = .reinstall
        try install(request)
        #expect(try scratch.read("runtime/bin/litellm").contains("litellm-1.106.2-r2/bin/python"))
        #expect(FileSystem.exists(runtime + "/litellm-1.106.2/bin/python"))
    }

    @Test(arguments: ["1.82.7", "1.82.8"])
    func `versions that steal credentials are refused before anything runs`(version: String) throws {
        let problem = try #require(failure(request(version)))
        #expect(problem.code == "bootstrap/poisoned-version")
        #expect(!FileSystem.exists(runtime))
    }

    @Test func `a package that brings the attacker's file is removed unused`() throws {
        try writePython(install: Self.install + "\ntouch \"$packages/litellm_init.pth\"")
        #expect(failure()?.code == "bootstrap/poisoned-version")
        #expect(!FileSystem.exists(runtime + "/litellm-1.106.2"))
        #expect(!FileSystem.exists(runtime + "/bin/litellm"))
    }

    @Test(arguments: ["", "latest", "1", "../1.2", "1.0 --index", "-1.0"])
    func `what is no version is refused`(version: String) {
        #expect(failure(request(version))?.code == "bootstrap/bad-version")
    }

    @Test func `the installer's last words are in the error, and the old version stays`() throws {
        try writePython()
        try install(request("1.106.1"))
        try writePython(install: "echo 'ERROR: No matching distribution found for litellm' >&2; exit 1")
        let problem = try #require(failure())
        #expect(problem.code == "bootstrap/installer-failed")
        #expect(problem.notes.contains("ERROR: No matching distribution found for litellm"))
        #expect(try scratch.read("runtime/bin/litellm").contains("litellm-1.106.1/bin/python"))
        try writePython()
        try install()
        #expect(try scratch.read("runtime/bin/litellm").contains("litellm-1.106.2/bin/python"))
    }

    @Test func `an installer that brings another version is caught`() throws {
        try writePython(install: Self.install.replacing("${wanted##*==}", with: "1.0.0"))
        #expect(failure()?.code == "bootstrap/wrong-litellm")
    }

    @Test func `without Python the way out is said`() throws {
        try PrivateDirectory.create(tools)
        let problem = try #require(failure())
        #expect(problem.code == "bootstrap/no-python")
        #expect(problem.hints.first?.contains("apt-get install") == true)
    }

    @Test func `uv is preferred where it is`() throws {
        try scratch.write(
            "tools/uv",
            """
            #!/bin/sh
            echo "uv $*" >> \(scratch.path("calls")); echo "$UV_DEFAULT_INDEX" >> \(scratch.path("indexes"))
            case $1 in
            venv) for target; do :; done; mkdir -p "$target/bin" "$target/lib/python3.11/site-packages"
                printf '#!/bin/sh\\n' > "$target/bin/python"; chmod +x "$target/bin/python" ;;
            pip) root=$(dirname "$(dirname "$4")"); mkdir "$root/lib/python3.11/site-packages/litellm-1.106.2.dist-info"
                cp "$root/bin/python" "$root/bin/litellm" ;;
            esac
            """, mode: 0o755)
        var environment = ["PATH": tools + ":/usr/bin:/bin", "PIP_INDEX_URL": "http://127.0.0.1:1/simple"]
        environment["HOME"] = scratch.path
        _ = try LiteLLMBootstrap(request(), environment: environment, channel: channel).run()
        // What pip has been told about the package index, uv is told as well.
        #expect(try scratch.read("indexes").split(separator: "\n").last == "http://127.0.0.1:1/simple")
        let folder = runtime + "/litellm-1.106.2"
        let calls = try scratch.read("calls").split(separator: "\n")
        #expect(calls.first == "uv venv --quiet \(folder)")
        #expect(
            calls.last?.hasPrefix(
                "uv pip install --python \(folder)/bin/python litellm[proxy]==1.106.2 prometheus_client") == true)
    }

    @Test func `a lock of hashes is used where it pins the wanted version`() throws {
        try writePython(
            install: """
                echo "$*" > \(scratch.path("calls")); wanted=litellm==1.106.2
                """ + "\n" + Self.install)
        var request = request()
        request.requirementsFile = try scratch.write(
            "litellm.lock", "litellm[proxy]==1.106.2 \\\n    --hash=sha256:aa\n")
        try install(request)
        #expect(try scratch.read("calls").hasSuffix("--no-deps --require-hashes -r \(scratch.path("litellm.lock"))\n"))
        request.version = "1.106.3"
        #expect(failure(request)?.code == "bootstrap/wrong-litellm")
        #expect(try !scratch.read("calls").contains("--require-hashes"))
        #expect(try scratch.read("messages").contains("bootstrap/lock-of-another-version"))
    }

    @Test func `an unfinished environment of a killed run is built anew`() throws {
        try writePython()
        try scratch.write("runtime/litellm-1.106.2/bin/python", "half")
        try install()
        #expect(try scratch.read("runtime/bin/litellm").contains("litellm-1.106.2/bin/python"))
    }
}

extension String {
    fileprivate func replacing(_ part: String, with other: String) -> String {
        guard let start = indices.first(where: { self[$0...].hasPrefix(part) }) else { return self }
        return self[..<start] + other + self[index(start, offsetBy: part.count)...]
    }
}
