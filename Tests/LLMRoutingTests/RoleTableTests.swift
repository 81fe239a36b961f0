// SPDX-License-Identifier: MIT

import LLMRouting
import Synchronization
import Testing

/// Names, numbers and fields of roles that other programs rely on.
struct RoleTableTests {
    private final class Heard: EventSink {
        private let state = Mutex((events: [RouterEvent](), logs: [RouterLogRecord]()))
        var events: [RouterEvent] { state.withLock { $0.events } }
        var logs: [RouterLogRecord] { state.withLock { $0.logs } }
        func emit(_ event: RouterEvent) throws { state.withLock { $0.events.append(event) } }
        func log(_ record: RouterLogRecord) { state.withLock { $0.logs.append(record) } }
    }

    private func router(_ settings: [(String, SettingValue)], _ heard: Heard = Heard()) -> LLMRouter {
        let configuration = RoleConfiguration(
            defaultRole: "r",
            providers: [
                .init(name: "told", type: "mock", settings: Settings(settings)), .init(name: "spare", type: "mock"),
            ],
            roles: [
                .init(name: "r", provider: "told"),
                .init(
                    name: "safe", provider: "told", attributes: RequestAttributes(model: "m"),
                    fallbacks: [.init(provider: "spare")]),
            ])
        var environment = LLMRouter.Environment(calendar: { CalendarTime(secondsSince1970: 0) })
        let ticks = Mutex(Int64(0))
        environment.now = {
            ticks.withLock { ticks in
                ticks += 1_500_000
                return Instant(nanoseconds: ticks)
            }
        }
        environment.requestID = { "id" }
        var router = LLMRouter(configuration: configuration, environment: environment, events: heard)
        router.log = { heard.log($0) }
        return router
    }

    @Test(
        arguments: zip(
            FailureType.allCases,
            [
                "TIMEOUT", "RATE_LIMIT", "PROVIDER_ERROR", "INVALID_RESPONSE", "CONTRACT_VIOLATION", "CANCELLED",
                "UNKNOWN",
            ]))
    func `failure types have these names`(type: FailureType, name: String) {
        #expect(type.rawValue == name && FailureType(rawValue: name) == type)
    }

    @Test func `an error without a type is UNKNOWN`() {
        #expect(CompletionFailure(.unknown, "x") == CompletionFailure("x"))
    }

    @Test func `the mock answers with fixed numbers`() async throws {
        let plain = try await router([]).complete(role: "other", messages: [])
        #expect(plain.text == "mock response for role=other" && plain.model == "mock-model")
        #expect(
            plain.provider == "mock" && plain.usage == .init(promptTokens: 10, completionTokens: 5, totalTokens: 15))
        #expect(plain.raw == Settings([("mock", .bool(true)), ("role", .text("other"))]))
        let told = try await router([("response_text", .text("so"))]).complete(
            role: "r", messages: [], attributes: RequestAttributes(model: "mine"))
        #expect(told.text == "so" && told.model == "mine")
    }

    @Test(arguments: [
        (["raise_timeout", "raise_contract_violation", "raise_rate_limit"], FailureType.timeout),
        (["raise_contract_violation", "raise_rate_limit"], .contractViolation), (["raise_rate_limit"], .rateLimit),
    ])
    func `the mock's failures are looked at in this order`(flags: [String], type: FailureType) async {
        let told = router(flags.map { ($0, .bool(true)) })
        let failure = await #expect(throws: CompletionFailure.self) {
            _ = try await told.complete(role: "r", messages: [])
        }
        #expect(failure?.type == type)
    }

    @Test func `each event has its level and its fields`() async throws {
        let heard = Heard()
        _ = try await router([("raise_timeout", .bool(true))], heard).complete(role: "safe", messages: [.user("x")])
        func names(_ settings: Settings) -> String { settings.members.map(\.name).joined(separator: " ") }
        #expect(
            heard.logs.map { "\($0.level.rawValue) \($0.event): \(names($0.fields))" } == [
                "INFO policy.choice: role provider policy",
                "INFO llm.complete.start: role provider attempt model work_package_id",
                "ERROR llm.complete.error: role provider attempt model elapsed_ms failure_type error",
                "INFO policy.fallback: role provider attempt",
                "INFO llm.complete.start: role provider attempt model work_package_id",
                "INFO llm.complete.success: role provider attempt model elapsed_ms usage",
            ])
        #expect(
            heard.events.map { "\($0.event): \(names($0.data))" } == [
                "policy.choice: role provider", "llm.complete.error: provider failure_type",
                "policy.fallback: role provider attempt", "llm.complete.success: provider elapsed_ms",
            ])
        #expect((heard.events.map(\.requestID) + heard.logs.map(\.requestID)).allSatisfy { $0 == "id" })
        #expect(heard.logs[0].fields["policy"] == .text("SimpleRoutingPolicy"))
        #expect(heard.logs[5].fields["elapsed_ms"] == .number(1.5))
        let usage = Settings([
            ("prompt_tokens", .integer(10)), ("completion_tokens", .integer(5)), ("total_tokens", .integer(15)),
        ])
        #expect(heard.logs[5].fields["usage"] == .map(usage))
    }

    @Test(arguments: [
        "2023-11-14T22:13:20.123456+00:00", "1970-01-01T00:00:00.000000+00:00", "2024-02-29T23:59:59.999999+00:00",
        "2000-12-31T00:00:00.000001+00:00",
    ])
    func `a time reads back`(text: String) throws {
        #expect(try #require(CalendarTime(iso8601: text)).iso8601 == text)
    }

    @Test(arguments: [
        "", "2023-11-14", "2023-02-29T00:00:00.000000+00:00", "2023-13-01T00:00:00.000000+00:00",
        "2023-11-14T24:00:00.000000+00:00", "2023-11-14T22:13:20.123456+01:00", "2023-11-14T22:13:20.1234567+00:00",
    ])
    func `what is no time is not read`(text: String) {
        #expect(CalendarTime(iso8601: text) == nil)
    }
}

/// The rules of `mode: vibe` written down anew, as plainly as they are said.
struct ComplexityOracleTests {
    private static let simple = [
        "ls", "cat", "pwd", "cd", "grep", "find", "echo", "cp", "mv", "rm", "hi", "hello", "hey", "你好", "nihao", "test",
        "ping", "status", "help",
    ]
    private static let complex = [
        "implement", "algorithm", "architecture", "analyze", "design", "refactor", "optimize", "debug", "philosophical",
        "comprehensive", "concurrent", "distributed", "recursive",
    ]

    private static func score(_ text: String, messages: Int) -> Int {
        let lower = text.lowercased()
        let trimmed = lower.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }
        var total = min(trimmed.reduce(0) { $0 + $1.unicodeScalars.count }, 200)
        total -= 100 * simple.count { lower.contains($0) }
        total += 150 * complex.count { lower.contains($0) }
        if lower.contains("```") || lower.contains("def ") || lower.contains("function ") { total += 100 }
        if lower.count(where: { ".?!".contains($0) }) > 2 { total += 50 }
        return messages > 5 ? total + 30 : total
    }

    @Test(arguments: simple + complex)
    func `each word of the lists counts, in either case and inside of others`(word: String) {
        for text in [word, word.uppercased(), "x\(word)x", "\(word) \(word)"] {
            #expect(ComplexityScore(text: text, messageCount: 1).total == Self.score(text, messages: 1), "\(text)")
        }
    }

    @Test(arguments: 1...40)
    func `random texts score as the rules say`(_ seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let pieces =
            Self.simple + Self.complex + [
                "def ", "function ", "```", ".", "!", "?", " ", "\n", "word", "über", "日本", "é",
            ]
        for _ in 0..<200 {
            let text = (0..<Int.random(in: 0...30, using: &random)).map { _ in random.pick(pieces) }.joined()
            let messages = Int.random(in: 1...8, using: &random)
            #expect(
                ComplexityScore(text: text, messageCount: messages).total == Self.score(text, messages: messages),
                "\(text)")
        }
    }
}
