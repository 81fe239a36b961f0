// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterAuth
import StandInHTTP
import Synchronization
import SystemIO
import TestSupport
import Testing
import Transfer

/// Servers that say more than is true, or nothing at all.
@Suite struct LoginProofTests {
    private static let ticket: JSONValue = [
        "status": "ok", "url": "https://auth.example/x?state=abc123", "state": "abc123",
    ]

    /// A login at a server that answers by the last part of the path, and otherwise as a patient one does.
    private func run(
        _ scratch: ScratchFolder, timeout: Duration = .seconds(20),
        _ answer: @escaping @Sendable (String) -> StandInResponse?
    ) async throws -> (outcome: LoginOutcome, requests: [StandInRequest], took: Duration) {
        let server = try await StandInServer.start { request in
            let call = request.path.split(separator: "/").last.map(String.init) ?? ""
            if let given = answer(call) { return given }
            switch call {
            case "auth-files": return .json(["files": []])
            case "codex-auth-url": return .json(Self.ticket)
            case "get-auth-status": return .json(["status": "wait"])
            default: return .json(["status": "ok"])
            }
        }
        var plan = LoginPlan(provider: .codex, usesCallback: true)
        plan.pollInterval = .milliseconds(40)
        plan.proofLimit = .milliseconds(300)
        plan.timeout = timeout
        plan.callbackPort = 0
        let client = ManagementClient(
            base: server.baseURL, key: Secret("k"), transport: CurlTransport(settings: TransferSettings()))
        let start = MonotonicTime.now()
        let outcome = Login(
            plan: plan, endpoints: .cliProxy(.codex), client: client, folder: scratch.path, console: PlayedOperator()
        ).run()
        let took = MonotonicTime.now() - start
        let requests = server.requests
        await server.stop()
        return (outcome, requests, took)
    }

    /// An old credential, as it is after its `renewal`th renewal.
    private static func write(_ scratch: ScratchFolder, renewal: Int) throws {
        let object: JSONObject = [
            "type": "codex", "access_token": .string("a\(renewal)"), "refresh_token": .string("r\(renewal)"),
            "account_id": "x", "email": "e@x", "last_refresh": .string("2026-11-0\(renewal)T00:00:00Z"),
        ]
        try AtomicFile.write(
            JSONWriter.bytes(of: .object(object)), to: scratch.path("codex-old.json"), mode: 0o600)
    }

    @Test(arguments: [["ok"], ["wait", "ok"], ["error"], ["wait", "error"]])
    func `an old credential that is renewed meanwhile is no login`(words: [String]) async throws {
        let scratch = try ScratchFolder()
        try Self.write(scratch, renewal: 1)
        let left = Mutex(words)
        let (outcome, _, _) = try await run(scratch) { call in
            guard call == "get-auth-status" else { return nil }
            try? Self.write(scratch, renewal: 2)
            let word = left.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
            return .json(["status": .string(word), "error": "unknown or expired state"])
        }
        #expect(outcome == (words.last == "ok" ? .unconfirmed : .lostSession), "\(outcome)")
    }

    @Test(arguments: [["ok"], ["wait", "ok"], ["error"]])
    func `an old entry of the list whose times move is no login`(words: [String]) async throws {
        let count = Atomic(0)
        let left = Mutex(words)
        let (outcome, _, _) = try await run(try ScratchFolder()) { call in
            let moment = JSONValue.string("2026-11-21T06:00:\(10 + count.add(1, ordering: .relaxed).newValue % 50)Z")
            switch call {
            case "auth-files":
                return .json([
                    "files": [
                        [
                            "name": "codex-old.json", "type": "codex", "updated_at": moment, "modtime": moment,
                            "last_refresh": moment,
                        ]
                    ]
                ])
            case "get-auth-status":
                let word = left.withLock { $0.count > 1 ? $0.removeFirst() : $0[0] }
                return .json(["status": .string(word), "error": "unknown or expired state"])
            default: return nil
            }
        }
        #expect(outcome == (words.last == "ok" ? .unconfirmed : .lostSession), "\(outcome)")
    }

    @Test(arguments: ["../victim.json", "/etc/x.json", "a\r\nb.json"])
    func `a listed name that leaves the folder is none`(name: String) async throws {
        let isLater = Mutex(false)
        let (outcome, _, _) = try await run(try ScratchFolder()) { call in
            if call == "get-auth-status" {
                isLater.withLock { $0 = true }
                return .json(["status": "ok"])
            }
            guard call == "auth-files", isLater.withLock({ $0 }) else { return nil }
            return .json(["files": [["name": .string(name), "type": "codex"]]])
        }
        #expect(outcome == .unconfirmed)
    }

    @Test(arguments: ["auth-files", "codex-auth-url", "get-auth-status"])
    func `a server that hangs does not outlast the time-out`(call: String) async throws {
        let (outcome, _, took) = try await run(try ScratchFolder(), timeout: .milliseconds(600)) { asked in
            asked == call ? .hang : nil
        }
        #expect(["timeout", "unreachable"].contains(outcome.word), "\(outcome)")
        #expect(took < .seconds(5), "\(took)")
    }

    @Test func `a server that answers drop by drop does not outlast the time-out`() async throws {
        let drops = (0..<200).map { _ in StandInResponse.Piece(" ", after: .milliseconds(100)) }
        let (outcome, _, took) = try await run(try ScratchFolder(), timeout: .milliseconds(600)) { call in
            call == "get-auth-status" ? StandInResponse(body: .pieces(drops)) : nil
        }
        #expect(outcome == .timedOut(after: .milliseconds(600)))
        #expect(took < .seconds(5), "\(took)")
    }

    @Test(arguments: [nil, "../../x", "a\r\nb", "a&b=c", "", String(repeating: "a", count: 5000)])
    func `a ticket without a usable state is refused`(state: String?) async throws {
        let (outcome, requests, _) = try await run(try ScratchFolder()) { call in
            guard call == "codex-auth-url" else { return nil }
            return .json(["url": "https://auth.example/x", "state": JSONValue(state)])
        }
        guard case .serverFailed(.refused(200, let message)) = outcome else {
            return #expect(Bool(false), "\(outcome)")
        }
        #expect(message.contains("state"))
        #expect(!requests.contains { $0.path.contains("get-auth-status") })
    }
}
