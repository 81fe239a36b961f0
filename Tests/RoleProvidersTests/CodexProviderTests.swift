// SPDX-License-Identifier: MIT

import JSONSyntax
import LLMRouting
import RoleProviders
import SystemIO
import TestSupport
import Testing

/// `codex_cli` with a program that plays it.
@Suite struct CodexProviderTests {
    private let folder: ScratchFolder

    init() throws {
        folder = try ScratchFolder()
    }

    private func router(
        _ script: String, settings: [(String, SettingValue)] = [], timeout: Duration = .seconds(20),
        model: String = "o3"
    ) throws -> LLMRouter {
        try folder.write("bin/codex", Array("#!/bin/sh\n\(script)\n".utf8), mode: 0o755)
        let configuration = RoleConfiguration(
            defaultRole: "local", providers: [.init(name: "codex", type: "codex_cli", settings: Settings(settings))],
            roles: [
                .init(
                    name: "local", provider: "codex", attributes: RequestAttributes(model: model, timeout: timeout))
            ])
        return LLMRouter(
            configuration: configuration, environment: .init(calendar: { CalendarTime(secondsSince1970: 0) }),
            registry: .live(environment: ["PATH": folder.path("bin") + ":/usr/bin:/bin", "SECRET_KEY": "sk-planted"]))
    }

    private static let echo = "for word in \"$@\"; do echo \"[$word]\"; done"

    private func failure(of router: LLMRouter) async throws -> CompletionFailure? {
        do {
            _ = try await router.complete(role: "local", messages: [.user("x")])
            return nil
        } catch let failure as CompletionFailure {
            return failure
        }
    }

    /// Looks again and again without holding the thread that the task under test may need.
    private static func eventually<Value>(_ look: () -> Value?) async throws -> Value? {
        let deadline = ContinuousClock.now + .seconds(15)
        while ContinuousClock.now < deadline {
            if let value = look() { return value }
            try await Task.sleep(for: .milliseconds(5))
        }
        return nil
    }

    @Test func `the arguments are flags, model and the last user message`() async throws {
        let messages: [ChatMessage] = [
            .user("first"), .system("sys"), .user("do it"), .init(role: "assistant", content: "?"),
        ]
        let response = try await router(Self.echo + "; echo noise >&2").complete(role: "local", messages: messages)
        #expect(response.text == "[--model]\n[o3]\n[--output-last-message]\n[do it]")
        #expect(response.usage == .init() && response.provider == "codex_cli" && response.model == "o3")
        #expect(response.raw["stderr"] == .text("noise\n") && response.raw["returncode"] == .integer(0))
        #expect(response.raw["stdout"] == .text(response.text + "\n"))
    }

    @Test func `flags are settings, and an empty one is left out`() async throws {
        let settings: [(String, SettingValue)] = [("model_flag", .text("-m")), ("output_flag", .text(""))]
        let response = try await router(Self.echo, settings: settings).complete(role: "local", messages: [.user("a b")])
        #expect(response.text == "[-m]\n[o3]\n[a b]")
        let bare = try await router(Self.echo, model: "").complete(role: "local", messages: [])
        #expect(bare.text == "[--output-last-message]\n[]")
    }

    @Test func `a prompt is never an option of the program`() async throws {
        let messages: [ChatMessage] = [.user("--dangerously-bypass\0x")]
        let response = try await router(Self.echo).complete(role: "local", messages: messages)
        #expect(response.text.hasSuffix("[ --dangerously-bypassx]"))
    }

    @Test func `failures have their types and words`() async throws {
        let missing = try router("true", settings: [("command", .text("no-such-codex"))])
        #expect(
            try await failure(of: missing)
                == CompletionFailure(.providerError, "Codex CLI binary not found: 'no-such-codex'"))
        let exits = try router("echo out; printf '%0250d' 7 >&2; exit 3")
        #expect(
            try await failure(of: exits)
                == CompletionFailure(.providerError, "Codex CLI exited 3: " + String(repeating: "0", count: 200)))
        #expect(
            try await failure(of: try router("echo ' '"))
                == CompletionFailure(.invalidResponse, "Codex CLI returned empty output"))
        #expect(try await failure(of: try router("kill -9 $$"))?.message == "Codex CLI exited -9: ")
        let floods = try router("head -c 5000000 /dev/zero")
        #expect(try await failure(of: floods)?.type == .invalidResponse)
    }

    @Test func `a program that is there and does not start is not missing`() async throws {
        let router = try router("true")
        let huge = String(repeating: "x", count: 200 << 10)
        let words = "Codex CLI not started: cannot start `\(folder.path("bin/codex"))`: "
        await #expect(throws: CompletionFailure(.providerError, words + "Argument list too long")) {
            try await router.complete(role: "local", messages: [.user(huge)])
        }
        try folder.write("closed", Array("#!/bin/sh\n".utf8), mode: 0o644)
        let closed = try self.router("true", settings: [("command", .text(folder.path("closed")))])
        #expect(
            try await failure(of: closed)?.message
                == "Codex CLI not started: cannot start `\(folder.path("closed"))`: Permission denied")
        let nowhere = try self.router("true", settings: [("command", .text("/bin/no-such-codex"))])
        #expect(try await failure(of: nowhere)?.message == "Codex CLI binary not found: '/bin/no-such-codex'")
    }

    @Test func `the provider's time-out counts where the role has none, and a null flag is none`() async throws {
        let slow = try router("exec sleep 1000", settings: [("timeout", .number(0.5))], timeout: .zero)
        #expect(try await failure(of: slow) == CompletionFailure(.timeout, "Codex CLI timed out after 0.5s"))
        let bare = try router(Self.echo, settings: [("output_flag", .null)])
        #expect(try await bare.complete(role: "local", messages: [.user("x")]).text == "[--model]\n[o3]\n[x]")
    }

    @Test func `a program that hangs is killed with its children`() async throws {
        let script = "echo $$ > \(folder.path("pid")); sleep 1000 & echo $! > \(folder.path("child")); wait"
        let router = try router(script, timeout: .seconds(2))
        #expect(try await failure(of: router) == CompletionFailure(.timeout, "Codex CLI timed out after 2.0s"))
        for file in ["pid", "child"] {
            let pid = try #require(Int32(try folder.read(file).split(separator: "\n").first ?? ""))
            #expect(try await Self.eventually { ProcessIdentity.of(pid: pid) == nil ? true : nil } == true, "\(file)")
        }
    }

    @Test func `a cancelled task kills the program`() async throws {
        let router = try router("echo $$ > \(folder.path("pid")); exec sleep 1000")
        let task = Task { try await router.complete(role: "local", messages: [.user("x")]) }
        let started = try await Self.eventually {
            (try? folder.read("pid")).flatMap { Int32($0.split(separator: "\n").first ?? "") }
        }
        let pid = try #require(started)
        task.cancel()
        await #expect(throws: CompletionFailure.self) { try await task.value }
        #expect(try await Self.eventually { ProcessIdentity.of(pid: pid) == nil ? true : nil } == true)
    }
}

/// A router straight from `llm.yaml`.
@Suite struct RoleFileRouterTests {
    @Test func `the template's test role answers and leaves a trace`() async throws {
        let folder = try ScratchFolder()
        try folder.write("llm.yaml", RoleTemplate.text)
        let router = try LLMRouter(file: folder.path("llm.yaml"), environment: [:], workspace: folder.path)
        let response = try await router.complete(role: "test", messages: [.user("hi")])
        #expect(response.text == "mock response for role=test")
        let traces = folder.path(".agentleeops/traces")
        let day = try #require(try FileSystem.list(traces).first)
        let file = try #require(try FileSystem.list(traces + "/" + day).first)
        #expect(file == "\(response.requestID)-0-mock.json" && day.utf8.count == 8)
        let trace = try JSONParser.parse(try FileSystem.read("\(traces)/\(day)/\(file)", limit: 4096))
        #expect(
            trace.objectValue?.names == [
                "request_id", "role", "provider", "model", "started_at", "attempt", "work_package_id", "workspace",
                "elapsed_ms", "failure_type", "error", "usage",
            ])
        #expect(trace["workspace"]?.stringValue == folder.path)
        #expect(TraceDirectory().path == ".lee-llm-router/traces" && TraceDirectory(explicit: "/t").path == "/t")
    }

    @Test func `a file that is no role configuration says why`() throws {
        let folder = try ScratchFolder()
        try folder.write("llm.yaml", "llm: {default_role: x}\n")
        let path = folder.path("llm.yaml")
        #expect(throws: RoleFileProblem.self) { try LLMRouter(file: path, environment: [:]) }
        #expect(throws: RoleFileProblem.self) { try LLMRouter(file: path + "x", environment: [:]) }
    }
}

@Suite struct LiveRegistryTests {
    @Test func `an unknown type is told with all that are known`() throws {
        let registry = ProviderRegistry.live(environment: [:])
        let failure = #expect(throws: CompletionFailure.self) { try registry.provider(type: "x") }
        #expect(failure?.type == .providerError)
        #expect(
            failure?.message
                == "Provider 'x' not registered. Available: ['codex_cli', 'mock', 'openai_http', 'openrouter_http']")
    }
}
