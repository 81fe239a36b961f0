// SPDX-License-Identifier: MIT

import LLMRouting
import Testing

/// What a client sees of each fault, and what the deployments see of a client.
struct RequestRunTests {
    private let good = Reply.answer(after: .milliseconds(100))

    @Test func `an answer costs one call`() throws {
        var simulation = Simulation(.ordered("a", "b")) { _, _, _ in good }
        let result = try simulation.one(RouteRequest(model: "m"))
        #expect(result.succeeded && result.calls.map(\.deployment) == ["a"])
        #expect(result.commits == ["a"])
    }

    @Test func `a 500 is repeated once at the same deployment after a short pause`() throws {
        var calls = 0
        var simulation = Simulation(.ordered("a", "b")) { _, _, _ in
            calls += 1
            return calls == 1 ? .status(500) : good
        }
        let result = try simulation.one(RouteRequest(model: "m"))
        #expect(result.succeeded && result.calls.map(\.deployment) == ["a", "a"])
        let pause = result.calls[1].at - result.calls[0].at
        #expect(pause > .milliseconds(5) && pause < .milliseconds(50))
    }

    @Test func `two 500s go on to the next deployment`() throws {
        var simulation = Simulation(.ordered("a", "b")) { attempt, _, _ in
            attempt.deployment.id == "a" ? .status(500) : good
        }
        let result = try simulation.one(RouteRequest(model: "m"))
        #expect(result.succeeded && result.calls.map(\.deployment) == ["a", "a", "b"])
    }

    @Test(arguments: [
        Reply.status(503), .status(429), .status(401), .status(404), .fail(AttemptFailure(.emptyAnswer)),
        .fail(AttemptFailure(.htmlAnswer)), .fail(AttemptFailure(.malformedAnswer)),
        .fail(AttemptFailure(.errorFirstStream)), .fail(AttemptFailure(.unknown)),
    ])
    func `other failures go to the next deployment at once`(_ reply: Reply) throws {
        var simulation = Simulation(.ordered("a", "b")) { attempt, _, _ in
            attempt.deployment.id == "a" ? reply : good
        }
        let result = try simulation.one(RouteRequest(model: "m"))
        #expect(result.succeeded && result.calls.map(\.deployment) == ["a", "b"])
        #expect(result.elapsed < .milliseconds(120))
    }

    @Test func `Retry-After is waited for when nobody else can answer`() throws {
        var simulation = Simulation(.ordered("a")) { _, at, _ in
            at < .seconds(2) ? .status(429, retryAfter: .seconds(2)) : good
        }
        let result = try simulation.one(RouteRequest(model: "m"))
        #expect(result.succeeded && result.calls.count == 2)
        #expect(result.calls[1].at >= .seconds(2))
    }

    @Test func `a Retry-After beyond the patience is passed on`() throws {
        var simulation = Simulation(.ordered("a")) { _, _, _ in .status(429, retryAfter: .seconds(30)) }
        let result = try simulation.one(RouteRequest(model: "m"))
        #expect(result.calls.count == 1)
        #expect(result.failure?.status == 429 && result.failure?.retryAfter == .seconds(30))
    }

    @Test func `others keep away from a deployment that asked for rest`() throws {
        var simulation = Simulation(.ordered("a", "b")) { attempt, _, _ in
            attempt.deployment.id == "a" ? .status(429, retryAfter: .seconds(20)) : good
        }
        let requests = (0..<50).map { (Duration.milliseconds(200 * $0), RouteRequest(model: "m")) }
        let results = try simulation.all(requests)
        #expect(results.allSatisfy { $0.succeeded })
        #expect(results.flatMap(\.calls).count { $0.deployment == "a" } == 1)
    }

    @Test func `a silent deployment is left at the first time-out and not asked again`() throws {
        var simulation = Simulation(.ordered("a", "b")) { attempt, _, _ in
            attempt.deployment.id == "a" ? .silence : good
        }
        let result = try simulation.one(RouteRequest(model: "m"))
        #expect(result.succeeded && result.calls.map(\.deployment) == ["a", "b"])
        var alone = Simulation(.ordered("a")) { _, _, _ in .silence }
        let failed = try alone.one(RouteRequest(model: "m"))
        #expect(failed.calls.count == 1 && failed.failure?.status == 504)
    }

    @Test func `an outage costs three calls and closes within one probe`() throws {
        var simulation = Simulation(.ordered("a", "b")) { attempt, at, _ in
            attempt.deployment.id == "a" && at < .seconds(60)
                ? .fail(AttemptFailure(.connection), after: .milliseconds(1)) : good
        }
        let requests = (0..<1300).map { (Duration.milliseconds(100 * $0), RouteRequest(model: "m")) }
        let results = try simulation.all(requests)
        #expect(results.allSatisfy { $0.succeeded })
        let dead = results.flatMap(\.calls).filter { $0.deployment == "a" && $0.at < .seconds(60) }
        #expect(dead.count <= 3)
        #expect(results.allSatisfy { $0.elapsed < .milliseconds(150) })
        let back = try #require(results.flatMap(\.calls).first { $0.deployment == "a" && $0.at >= .seconds(60) })
        #expect(back.at < .seconds(62))
    }

    @Test func `a prompt that is too long goes to the context-window fallback, never to the same model`() throws {
        var policy = GatewayPolicy.ordered("a", "a2")
        policy.deployments[1].upstreamModel = "model-a"
        policy.deployments.append(Deployment(id: "big", group: "long", provider: "p", upstreamModel: "big"))
        policy.contextWindowFallbacks = ["m": ["long"]]
        var simulation = Simulation(policy) { attempt, _, _ in
            attempt.deployment.id == "big" ? good : .fail(AttemptFailure(.contextLength, status: 400))
        }
        let result = try simulation.one(RouteRequest(model: "m"))
        #expect(result.succeeded && result.calls.map(\.deployment) == ["a", "big"])
        #expect(result.run.fallbacksTaken == 1)
    }

    @Test func `a content-policy refusal goes elsewhere only where that is configured`() throws {
        var policy = GatewayPolicy.ordered("a")
        policy.deployments.append(Deployment(id: "c", group: "other", provider: "p", upstreamModel: "c"))
        policy.fallbacks = ["m": ["other"]]
        let reply: (Attempt, Duration, inout SeededRandom) -> Reply = { attempt, _, _ in
            attempt.deployment.id == "c" ? good : .fail(AttemptFailure(.contentPolicy, status: 400))
        }
        var simulation = Simulation(policy, reply: reply)
        let refused = try simulation.one(RouteRequest(model: "m"))
        #expect(refused.calls.count == 1 && refused.failure?.status == 400)
        policy.contentPolicyFallbacks = ["m": ["other"]]
        var configured = Simulation(policy, reply: reply)
        #expect(try configured.one(RouteRequest(model: "m")).calls.map(\.deployment) == ["a", "c"])
    }

    @Test func `a stream that breaks goes on behind the verified prefix`() throws {
        var simulation = Simulation(.ordered("a", "b")) { attempt, _, _ in
            attempt.deployment.id == "a" ? .cut(firstByte: .milliseconds(50), after: .milliseconds(80)) : good
        }
        let result = try simulation.one(RouteRequest(model: "m", isStreaming: true))
        #expect(result.succeeded && result.calls.map(\.purpose) == [.first, .resume])
        #expect(result.commits == ["a", "b"])
    }

    @Test func `a prefix that differs ends the stream with one error`() throws {
        var simulation = Simulation(.ordered("a", "b", "c")) { attempt, _, _ in
            attempt.deployment.id == "a"
                ? .cut(firstByte: .milliseconds(50), after: .milliseconds(80)) : .differ(after: .milliseconds(10))
        }
        let result = try simulation.one(RouteRequest(model: "m", isStreaming: true))
        #expect(!result.succeeded && result.isPartial && result.calls.count == 2)
    }

    @Test func `a slow first call gets a hedge, and the loser is cancelled`() throws {
        var policy = GatewayPolicy.ordered("a", "b")
        policy.hedge = HedgePolicy(after: .milliseconds(800), extraPerThousand: 1000)
        var simulation = Simulation(policy) { attempt, _, _ in
            attempt.deployment.id == "a" ? .answer(after: .seconds(10)) : good
        }
        let result = try simulation.one(RouteRequest(model: "m", isStreaming: true))
        #expect(result.succeeded && result.calls.map(\.purpose) == [.first, .hedge])
        #expect(result.calls[1].at == .milliseconds(800) && result.elapsed == .milliseconds(900))
        #expect(result.cancelled == ["a"])
    }

    @Test func `hedges are at most five of a hundred calls`() throws {
        var policy = GatewayPolicy.ordered("a", "b")
        policy.hedge = HedgePolicy(after: .milliseconds(100))
        var simulation = Simulation(policy) { attempt, _, _ in .answer(after: .seconds(1)) }
        let requests = (0..<1000).map { (Duration.milliseconds(10 * $0), RouteRequest(model: "m")) }
        let calls = try simulation.all(requests).flatMap(\.calls)
        #expect(calls.count { $0.purpose == .hedge } == 50)
    }

    @Test func `a client that leaves stops every call and blames nobody`() throws {
        var policy = GatewayPolicy.ordered("a", "b")
        policy.hedge = HedgePolicy(after: .milliseconds(100), extraPerThousand: 1000)
        var simulation = Simulation(policy) { _, _, _ in .silence }
        simulation.leave(after: .milliseconds(500))
        let result = try simulation.one(RouteRequest(model: "m"))
        #expect(Set(result.cancelled) == ["a", "b"] && result.failure == .cancelled)
        let statuses = simulation.engine.statuses(at: simulation.now)
        #expect(statuses.allSatisfy { $0.inFlight == 0 && $0.counts.failures == 0 })
    }

    @Test func `the deadline ends a request`() throws {
        var simulation = Simulation(.ordered("a", "b")) { _, _, _ in .silence }
        let result = try simulation.one(RouteRequest(model: "m", timeout: .seconds(3)))
        #expect(result.failure == .deadlineExceeded && result.elapsed == .seconds(3) && result.cancelled == ["a"])
    }
}
