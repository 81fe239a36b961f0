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
        let messages: JSONValue = message.map { [["role": "user", "content": .string($0)]] } ?? []
        var body: JSONValue = ["messages": messages]
        var bytes = JSONWriter.bytes(of: body)
        if let file {
            bytes = try FileSystem.read(context.resolve(file), limit: Self.bodyLimitBytes)
            do throws(JSONError) {
                body = try JSONParser.parse(bytes)
            } catch {
                throw RouteError.notJSON(file, reason: error.diagnostic.message).diagnostic
            }
        }
        guard let name = model ?? body["model"]?.stringValue, !name.isEmpty else {
            guard let file, body["prompt"] != nil, body["messages"] == nil else {
                throw RouteError.noModel(file ?? "").diagnostic
            }
            return try Self.ranked(bytes, file)
        }
        var request = RouteRequest(
            model: name, isStreaming: body["stream"]?.boolValue ?? false,
            prompt: PromptReader.read(bytes, printing: table.needsPrintedPrompt(forModel: name)))
        request.estimatedInputTokens = (bytes.count + 3) / 4
        request.maximumOutputTokens =
            (body["max_completion_tokens"] ?? body["max_tokens"] ?? body["max_output_tokens"])?.integerValue
        request.user = body["user"]?.stringValue
        return request
    }

    /// A request that leaves the choice among all deployments to the gateway.
    private static func ranked(_ body: [UInt8], _ file: String) throws -> RouteRequest {
        do throws(RankedRequestError) {
            return try RankedRequest(body).route
        } catch {
            throw RouteError.wrongShape(file, place: error.location, reason: error.message).diagnostic
        }
    }
}
