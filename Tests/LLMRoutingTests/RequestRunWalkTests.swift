// SPDX-License-Identifier: MIT

import LLMRouting
import Testing

/// Every event in every state, in any order, with attempts that never were: the machine stays sane.
struct RequestRunWalkTests {
    private struct Walk {
        var starts = 0
        var cancels: [Int] = []
        var endings = 0
        var commits = 0

        mutating func take(_ effects: [RequestRun.Effect]) {
            for effect in effects {
                #expect(endings == 0, "nothing follows an ending")
                switch effect {
                case .start: starts += 1
                case .cancel(let id): cancels.append(id)
                case .commit: commits += 1
                case .record: break
                case .finish, .fail, .breakOff: endings += 1
                }
            }
        }
    }

    private func policy(_ random: inout SeededRandom) -> GatewayPolicy {
        var policy = GatewayPolicy.ordered("a", "b", "c")
        policy.deployments.append(Deployment(id: "d", group: "other", provider: "d", upstreamModel: "d"))
        policy.fallbacks = ["m": ["other"]]
        policy.contextWindowFallbacks = ["m": ["other"]]
        if Bool.random(using: &random) { policy.contentPolicyFallbacks = ["m": ["other"]] }
        if Bool.random(using: &random) {
            policy.hedge = HedgePolicy(after: .milliseconds(20), extraPerThousand: 1000)
        }
        if Bool.random(using: &random) { policy.resume = .never }
        policy.budgets.defaultUserCap = BudgetCap(amount: .dollars(100))
        policy.maximumAttempts = Int.random(in: 1...6, using: &random)
        return policy
    }

    private func randomEvent(_ run: RequestRun, _ random: inout SeededRandom) -> RequestRun.Event {
        let id = Int.random(in: -1...max(0, run.attempts.count), using: &random)
        switch Int.random(in: 0..<14, using: &random) {
        case 0: return .begin
        case 1...3: return .wake
        case 4...6: return .firstByte(id)
        case 7: return .finished(id, usage: TokenUsage(inputTokens: 1, outputTokens: 1))
        case 8 where Int.random(in: 0..<4, using: &random) == 0: return .clientGone(usage: nil)
        default:
            let kind = random.pick(FailureKind.allCases)
            let retryAfter = Bool.random(using: &random) ? Duration.seconds(1) : nil
            return .failed(id, AttemptFailure(kind, retryAfter: retryAfter))
        }
    }

    @Test(arguments: 1...400)
    func `random events never break it`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let policy = policy(&random)
        var engine = RoutingEngine(policy: policy)
        let request = RouteRequest(
            model: "m", isStreaming: Bool.random(using: &random), user: "u", timeout: .seconds(30))
        var run = RequestRun(request, plan: try RoutePlan(request, table: engine.table))
        var walk = Walk()
        var now = Instant(nanoseconds: 0)
        if seed % 5 > 0 { walk.take(handle(.begin, &run, &engine, now, &random)) }
        for _ in 0..<60 {
            now = now + .milliseconds(Int.random(in: 0...200, using: &random))
            walk.take(handle(randomEvent(run, &random), &run, &engine, now, &random))
            #expect(run.attempts.count <= policy.maximumAttempts)
            #expect(run.isOver == (run.wakeAt == nil) || run.attempts.isEmpty, "who is not over has a wake")
            #expect(
                engine.statuses(at: now).map(\.inFlight).reduce(0, +) == run.attempts.count { $0.outcome == .running })
        }
        // Whatever state it is in, time ends it.
        if !run.attempts.isEmpty || run.wakeAt != nil {
            walk.take(handle(.wake, &run, &engine, now + .seconds(31), &random))
            #expect(run.isOver && walk.endings == 1)
        }
        #expect(walk.starts == run.attempts.count)
        #expect(Set(walk.cancels).count == walk.cancels.count)
        #expect(engine.statuses(at: now).allSatisfy { $0.inFlight == 0 } && engine.ledger.openReservations == 0)
    }

    private func handle(
        _ event: RequestRun.Event, _ run: inout RequestRun, _ engine: inout RoutingEngine, _ now: Instant,
        _ random: inout SeededRandom
    ) -> [RequestRun.Effect] {
        run.handle(event, at: Now(instant: now, calendar: Simulation.calendar(now)), in: &engine, using: &random)
    }

    private func expectNothing(_ effects: [RequestRun.Effect]) {
        #expect(effects.isEmpty)
    }

    @Test func `nothing happens before the beginning or after the end`() throws {
        var random = SeededRandom(seed: 1)
        var engine = RoutingEngine(policy: .ordered("a"))
        let request = RouteRequest(model: "m")
        var run = RequestRun(request, plan: try RoutePlan(request, table: engine.table))
        let now = Instant(nanoseconds: 0)
        let events: [RequestRun.Event] = [
            .wake, .firstByte(0), .finished(0, usage: TokenUsage(inputTokens: 1, outputTokens: 1)),
            .failed(0, AttemptFailure(.unknown)),
        ]
        for event in events { expectNothing(handle(event, &run, &engine, now, &random)) }
        _ = handle(.begin, &run, &engine, now, &random)
        let ending = handle(.clientGone(usage: nil), &run, &engine, now, &random)
        #expect(ending.count == 2)
        for event in events + [.begin, .clientGone(usage: nil)] {
            expectNothing(handle(event, &run, &engine, now, &random))
        }
    }
}
