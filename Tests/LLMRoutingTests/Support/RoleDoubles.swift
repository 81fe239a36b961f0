// SPDX-License-Identifier: MIT

import LLMRouting
import Synchronization

/// Keeps what a router tells, for every channel.
final class Recorder: EventSink, TraceStore {
    struct Broken: Error {}

    private let state = Mutex(
        (events: [RouterEvent](), traces: [RequestTrace](), logs: [RouterLogRecord](), sleeps: [Duration]()))
    let isBroken: Bool

    init(isBroken: Bool = false) {
        self.isBroken = isBroken
    }

    var events: [RouterEvent] { state.withLock { $0.events } }
    var traces: [RequestTrace] { state.withLock { $0.traces } }
    var logs: [RouterLogRecord] { state.withLock { $0.logs } }
    var sleeps: [Duration] { state.withLock { $0.sleeps } }

    func emit(_ event: RouterEvent) throws {
        if isBroken { throw Broken() }
        state.withLock { $0.events.append(event) }
    }

    func store(_ trace: RequestTrace) throws {
        if isBroken { throw Broken() }
        state.withLock { $0.traces.append(trace) }
    }

    func log(_ record: RouterLogRecord) { state.withLock { $0.logs.append(record) } }
    func slept(_ duration: Duration) { state.withLock { $0.sleeps.append(duration) } }
}

/// Fails or answers as a closure says.
struct ScriptedProvider: CompletionProvider {
    let reply: @Sendable (CompletionRequest, Settings) throws -> String

    func complete(_ request: CompletionRequest, settings: Settings) async throws -> CompletionResponse {
        CompletionResponse(
            text: try reply(request, settings), usage: CompletionResponse.Usage(promptTokens: 3, completionTokens: 4),
            model: request.model, provider: "scripted")
    }
}

/// Chooses what it is told to.
struct OverridingPolicy: RoutingPolicy {
    let name = "OverridingPolicy"
    let choice: ProviderChoice

    func choose(role: String, in configuration: RoleConfiguration) throws -> ProviderChoice { choice }
}
