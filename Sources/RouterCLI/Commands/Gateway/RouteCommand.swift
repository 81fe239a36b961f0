// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import GatewayConfig
internal import JSONSyntax
internal import LLMRouting
internal import RouterProfiles
internal import SystemIO

/// `llm-router route`
package struct RouteCommand: ParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "route", abstract: "Where requests go and why, without calling anybody.",
        subcommands: [RouteExplainCommand.self, RouteSimulateCommand.self])

    package init() {}
}

/// `llm-router route explain`
package struct RouteExplainCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "explain", abstract: "Print where a request would go, with every number behind it.",
        discussion: """
            The decision is the embedded gateway's, made by the same code from the rendered profile, as if nothing had \
            been called yet: what a running gateway has learnt of its deployments is not asked.
            """)

    private static let bodyLimitBytes = 32 << 20

    @OptionGroup package var global: GlobalOptions
    @Option(help: ArgumentHelp("Model that is asked for; that of the request file when omitted.", valueName: "name"))
    package var model: String?
    @Option(help: ArgumentHelp("Text of one user message.", valueName: "text")) package var message: String?
    @Option(help: ArgumentHelp("Body of a request as JSON.", valueName: "path"))
    package var file: String?
    @Option(help: ArgumentHelp("Profile; the current one, else the first, when omitted.", valueName: "name"))
    package var profile: String?

    package init() {}

    package func validate() throws {
        if model == nil, file == nil {
            throw ValidationError("--model is needed, or --file with a request that has one")
        }
        if message != nil, file != nil { throw ValidationError("--message and --file exclude each other") }
    }

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let name = profile ?? stack.profileToExplain
        let policy = try stack.routingPolicy(of: name)
        let engine = RoutingEngine(policy: policy)
        let request = try request(context, engine.table)
        let explanation: RouteExplanation
        do throws(RequestFailure) {
            var random = SystemRandomNumberGenerator()
            explanation = try RouteExplanation(request, in: engine, at: context.routingMoment, using: &random)
        } catch {
            throw RouteError.unknownModel(request.model, known: engine.table.modelNames).diagnostic
        }
        let report = RouteExplanationReport(explanation, request: request, profile: name)
        context.console.show(report.report)
        return .success
    }

    private func request(_ context: AppContext, _ table: RoutingTable) throws -> RouteRequest {
        var body: JSONValue = ["messages": []]
        if let message { body = ["messages": [["role": "user", "content": .string(message)]]] }
        if let file {
            let bytes = try FileSystem.read(context.resolve(file), limit: Self.bodyLimitBytes)
            do throws(JSONError) {
                body = try JSONParser.parse(bytes)
            } catch {
                throw RouteError.notJSON(file, reason: error.diagnostic.message).diagnostic
            }
        }
        guard let name = model ?? body["model"]?.stringValue, !name.isEmpty else {
            throw RouteError.noModel(file ?? "").diagnostic
        }
        var request = RouteRequest(
            model: name, isStreaming: body["stream"]?.boolValue ?? false,
            prompt: PromptReader.read(body, printing: table.needsPrintedPrompt(forModel: name)))
        request.estimatedInputTokens = (JSONWriter.bytes(of: body).count + 3) / 4
        request.maximumOutputTokens =
            (body["max_completion_tokens"] ?? body["max_tokens"] ?? body["max_output_tokens"])?.integerValue
        request.user = body["user"]?.stringValue
        return request
    }
}

/// `llm-router route simulate`
package struct RouteSimulateCommand: RouterCommand {
    package static let configuration = CommandConfiguration(
        commandName: "simulate", abstract: "Replay a request log against profiles and compare cost, latency, failures.",
        discussion: """
            The log is the gateway's: JSON lines on its standard output, kept in its process log. Deployments answer as \
            the log shows them: with the latencies and the share of failures seen there. Requests are replayed one \
            after the other, so queues are not simulated.
            """)

    private static let logLimitBytes = 1 << 30

    @OptionGroup package var global: GlobalOptions
    @Argument(help: ArgumentHelp("Request log.", valueName: "log")) package var log: String
    @Option(
        name: .customLong("profile"),
        help: ArgumentHelp("Profile to replay against; repeat to compare.", valueName: "name")
    )
    package var profiles: [String] = []
    @Option(help: "Seed of the chances: the same seed gives the same numbers.") package var seed: UInt64 = 1

    package init() {}

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let names = profiles.isEmpty ? stack.profiles.names : profiles
        let policies = try names.map { try stack.routingPolicy(of: $0) }
        let log = RequestLog(try FileSystem.read(context.resolve(log), limit: Self.logLimitBytes))
        guard !log.requests.isEmpty else {
            throw RouteError.emptyLog(self.log, skipped: log.skipped, refused: log.refused).diagnostic
        }
        if log.skipped > 0 { context.console.note("\(log.skipped) lines are no requests and were left out") }
        let simulation = RouteSimulation(log: log.requests)
        let outcomes = policies.map { policy in
            var random = SeededGenerator(seed: seed)
            return simulation.outcome(of: policy, using: &random)
        }
        let report = RouteSimulationReport(log: log, profiles: Array(zip(names, outcomes)))
        context.console.show(report.report)
        return .success
    }
}

/// Why a route cannot be explained.
enum RouteError: Error, Equatable {
    case unknownModel(String, known: [String])
    case noModel(String)
    case notJSON(String, reason: String)
    case emptyLog(String, skipped: Int, refused: Int)
}

extension RouteError: DiagnosticConvertible {
    var diagnostic: Diagnostic {
        switch self {
        case .unknownModel(let name, let known):
            Diagnostic(
                "route/unknown-model", "no model group, alias or virtual model is called `\(name)`",
                hints: [
                    Suggestion.closest(to: name, among: known).map { "did you mean `\($0)`?" }
                        ?? "models: \(known.joined(separator: ", "))"
                ])
        case .noModel(let file):
            Diagnostic("usage/no-model", "the request in `\(file)` names no model", hints: ["name one with --model"])
        case .notJSON(let file, let reason): Diagnostic("usage/request", "`\(file)` is no JSON: \(reason)")
        case .emptyLog(let file, let skipped, let refused):
            Diagnostic(
                "route/empty-log", "`\(file)` has no request that was routed",
                notes: ["lines that are no requests: \(skipped); requests refused before routing: \(refused)"],
                hints: ["take the log of the gateway: .router/runtime/process-logs/<service>.log"])
        }
    }
}

/// Chances that a seed repeats.
private struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// SplitMix64.
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = (state ^ (state >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
