// SPDX-License-Identifier: MIT

/// Plays CLIProxyAPI(Plus) for tests: its process, config, signal and HTTP contract, without accounts or network.
///
/// What it plays and which faults it can show is chosen by `STANDIN_…` variables, see `FaultPlan`.
@main
enum Main {
    static func main() async {
        await StandInProgram(arguments: CommandLine.arguments).run()
    }
}
