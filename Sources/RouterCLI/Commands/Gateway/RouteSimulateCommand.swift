// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import GatewayConfig
internal import LLMRouting
internal import RouterProfiles
internal import SystemIO

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
