// SPDX-License-Identifier: MIT

import Diagnostics
import FetchProtocol
import JSONSyntax
import RouterAuth
import Synchronization
import SystemIO
import TestSupport
import Testing

/// The requests as the command sends them: through the real helper, whose every word is searched for planted secrets.
@Suite struct HelperTests {
    private final class Ears: Sendable {
        private let heard = Mutex<[String]>([])
        var text: String { heard.withLock { $0.joined(separator: "\n") } }
        func add(_ update: FetchUpdate) { heard.withLock { $0.append("\(update)") } }
    }

    private let helper = FetchHelper(
        executable: Program.built(FetchHelper.executableName).path, environment: ["PATH=/usr/bin:/bin"])

    private func login(_ server: PlayedServer, key: String = PlayedServer.key) -> LoginRequest {
        var request = LoginRequest(
            provider: "codex", server: server.base, key: Secret(key), authDirectory: server.folder)
        request.pollMilliseconds = 60
        request.timeoutMilliseconds = 20_000
        request.callbackPort = server.callbackPort
        return request
    }

    @Test func `a whole day of use leaves no secret in anything that is said`() throws {
        let server = try PlayedServer("legacy")
        let process = try server.start()
        let ears = Ears()
        let arguments = Mutex("")
        let answer = try helper.run(login(server)) { update in
            ears.add(update)
            guard case .value("login_url", let url) = update else { return }
            arguments.withLock { $0 = Self.argumentsOfHelpers() }
            let state = Web.state(of: url) ?? ""
            let port = server.callbackPort
            try? BackgroundThread.start {
                _ = try? Web.send("GET", "http://127.0.0.1:\(port)/auth/callback?code=planted-code-51&state=\(state)")
            }
        }
        #expect(answer.isSuccess, "\(answer)")
        #expect(arguments.withLock { $0 }.contains(FetchHelper.executableName))
        let source = try server.scratch.write(
            "auth.json", CodexFile.text(CodexFile.object(account: "acct-9", issued: .now(), lastRefresh: .now())))
        let imported = try helper.run(
            ImportLoginRequest(source: source, authDirectory: server.folder), onUpdate: ears.add)
        let status = try helper.run(
            AuthStatusRequest(authDirectory: server.folder, server: server.base, key: Secret(PlayedServer.key)),
            onUpdate: ears.add)
        #expect(status.server == "answered")
        #expect(status.credentials.count == 2)
        let refused = try helper.run(login(server, key: "planted-wrong-key"), onUpdate: ears.add)
        #expect(refused.status == "wrong-key")
        let everything = [
            ears.text, "\(answer)", "\(imported)", JSONWriter.text(of: status.json), "\(refused)",
            arguments.withLock { $0 }, "\(login(server))",
        ].joined(separator: "\n")
        var planted = CodexFile.secrets + [PlayedServer.key, "planted-code-51", "planted-wrong-key"]
        for file in status.credentials {
            let object = try JSONParser.parse(try FileSystem.read(file.path, limit: 1 << 20))
            planted += ["access_token", "refresh_token", "id_token"].compactMap { object[$0]?.stringValue }
        }
        #expect(planted.count > 8)
        for secret in planted { #expect(!everything.contains(secret)) }
        try process.kill9()
    }

    /// The argument vectors of all helpers that run now.
    private static func argumentsOfHelpers() -> String {
        ProcessRecord.all().filter { FetchHelper.executableName.hasPrefix($0.name) }.map { record in
            let bytes = (try? FileSystem.readStream("/proc/\(record.pid)/cmdline", limit: 65_536)) ?? []
            return String(decoding: bytes.map { $0 == 0 ? 32 : $0 }, as: UTF8.self)
        }.joined(separator: "\n")
    }

    @Test func `an interrupted login leaves no listener and no helper`() throws {
        let server = try PlayedServer("current")
        let process = try server.start()
        let isInterrupted = Mutex(false)
        let error = #expect(throws: FetchProtocolError.self) {
            try helper.run(
                login(server), onUpdate: { if case .value = $0 { isInterrupted.withLock { $0 = true } } },
                isInterrupted: { isInterrupted.withLock { $0 } })
        }
        #expect(error == .interrupted)
        #expect(throws: Never.self) { _ = try CallbackListener.open(port: server.callbackPort) }
        #expect(try FileSystem.list(server.folder).allSatisfy { !$0.hasSuffix(".json") })
        try process.kill9()
    }

    @Test func `pasted lines reach the login`() throws {
        let server = try PlayedServer("legacy")
        let process = try server.start()
        var pair = try DescriptorPair.pipe()
        let reading = pair.takeReadEnd()
        let writing = pair.takeWriteEnd()
        let number = writing.rawValue
        var request = login(server)
        request.acceptsPaste = true
        let answer = try helper.run(request, input: reading.rawValue) { update in
            guard case .value("login_url", let url) = update else { return }
            let line = "http://localhost:1455/auth/callback?code=c&state=\(Web.state(of: url) ?? "")\n"
            try? OwnedDescriptor.writeAll(Array(line.utf8), to: number)
        }
        #expect(answer.isSuccess, "\(answer)")
        withExtendedLifetime(writing.rawValue) {}
        try process.kill9()
    }

    @Test(arguments: [
        ("", "'", "'"), (String(repeating: "A", count: 2_000_000) + "\n", "", "\n"),
        (String(repeating: "\u{1B}[2J?\n", count: 200), "  <", ">\r\n"),
    ])
    func `rubbish before it and a missing end keep no pasted line away`(
        before: String, opening: String, closing: String
    ) throws {
        let server = try PlayedServer("legacy")
        let process = try server.start()
        var pair = try DescriptorPair.pipe()
        let reading = pair.takeReadEnd()
        let writing = Mutex<OwnedDescriptor?>(pair.takeWriteEnd())
        let ears = Ears()
        var request = login(server)
        request.acceptsPaste = true
        let answer = try helper.run(request, input: reading.rawValue) { update in
            ears.add(update)
            guard case .value("login_url", let url) = update else { return }
            let line = "http://localhost:1455/auth/callback?code=c&state=\(Web.state(of: url) ?? "")"
            let bytes = Array((before + opening + line + closing).utf8)
            try? BackgroundThread.start {
                writing.withLock { end in
                    if let end = end.take() { try? end.writeAll(bytes) }
                }
            }
        }
        #expect(answer.isSuccess, "\(answer)")
        #expect(ears.text.contains("auth/not-a-callback") == !before.isEmpty)
        #expect(ears.text.components(of: "auth/not-a-callback") <= 20)
        try process.kill9()
    }

    @Test func `copilot falls back to the program where the server has no such call`() throws {
        let server = try PlayedServer("current")
        let process = try server.start()
        let ears = Ears()
        var request = login(server)
        request.provider = "copilot"
        request.program = .init(
            executable: Program.built("stand-in-cliproxy").path, config: server.configPath,
            directory: server.scratch.path,
            environment: server.environment.map { "\($0.key)=\($0.value)" }.filter { !$0.hasPrefix("STANDIN_PROFILE=") }
        )
        let answer = try helper.run(request, onUpdate: ears.add)
        #expect(answer.isSuccess, "\(answer)")
        #expect(answer.credential == "github-copilot-ada.json")
        #expect(ears.text.contains("user_code"))
        try process.kill9()
    }

    @Test func `endpoints that never existed are replaced with a warning`() throws {
        let server = try PlayedServer("legacy", ["STANDIN_OAUTH": "timeout", "STANDIN_CLOCK_RATE": "20"])
        let process = try server.start()
        let ears = Ears()
        var request = login(server)
        request.endpoints = .init(
            ticket: "/v0/management/oauth/codex/auth-url", status: "/v0/management/oauth/codex/status")
        let answer = try helper.run(request, onUpdate: ears.add)
        #expect(answer.status == "expired", "\(answer)")
        #expect(ears.text.contains("auth/dead-endpoint"))
        try process.kill9()
    }

    @Test func `the config changes through the management API of a running server`() throws {
        let server = try PlayedServer("current")
        let process = try server.start()
        let request = ProxyConfigRequest(
            path: server.configPath, changes: [.init("request-retry", 5)], server: server.base,
            key: Secret(PlayedServer.key))
        #expect(try helper.run(request).way == "server")
        #expect(try helper.run(request).way == "none")
        let text = try server.scratch.read("config.yaml")
        #expect(text.contains("request-retry: 5"))
        #expect(text.contains("$2a$10$"))
        try process.kill9()
    }

    @Test func `requests cross the pipe unchanged`() throws {
        var request = LoginRequest(provider: "codex", server: "http://x", key: Secret("k"), authDirectory: nil)
        request.method = .device
        request.browser = ["/usr/bin/xdg-open"]
        request.endpoints = .init(ticket: "/a", status: nil, callback: "/c")
        request.program = .init(executable: "/p", config: "/c", directory: "/d", environment: ["A=b"])
        #expect(try LoginRequest(json: request.json) == request)
        let changes = ProxyConfigRequest(path: "/p", changes: [.init("a.b", ["x", 1])], server: nil, key: nil)
        #expect(try ProxyConfigRequest(json: changes.json) == changes)
        let status = AuthStatusRequest(authDirectory: "/a", server: nil, key: Secret("k"))
        #expect(try AuthStatusRequest(json: status.json) == status)
    }
}
