// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterControl
import RouterEvents
import RouterServices
import RouterSupervisor
import SystemIO

/// A supervisor with nothing around it, for tests and benchmarks of the supervisor alone.
///
/// `stand-in-supervisor RUNTIME [--foreground PLAN.json] [--idle MS] [--crash-at STEP]`, and the flags below.
@main
enum Main {
    static func main() throws {
        var arguments = Array(CommandLine.arguments.dropFirst())
        guard !arguments.isEmpty else { return }
        let layout = RuntimeLayout(runtimeDirectory: arguments.removeFirst())
        var configuration = Supervisor.Configuration(
            layout: layout, mode: .onDemand(idleGrace: .seconds(3)), events: EventLog(path: layout.eventsPath))
        let variables = EnvironmentMerge.variables(try environment())
        configuration.handover = variables[Supervisor.handoverKey]
        configuration.notifySocket = variables["NOTIFY_SOCKET"]
        while !arguments.isEmpty {
            let flag = arguments.removeFirst()
            let value = arguments.isEmpty ? "" : arguments.removeFirst()
            switch flag {
            case "--foreground":
                configuration.mode = .foreground
                configuration.plan = try plan(value)
                configuration.reload = { (try? plan(value)).map { Supervisor.NewPlan(specs: $0, isProfileNew: false) } }
            case "--idle": configuration.mode = .onDemand(idleGrace: .milliseconds(Int64(value) ?? 3000))
            case "--crash-at": CrashPoint.arm(count: Int(value) ?? 1)
            case "--compressor":
                configuration.compressor = ProcessSpec(executable: value, arguments: [value, "-c"], environment: [])
            case "--probe-helper":
                configuration.probeHelper = ProcessSpec(
                    executable: value, arguments: [value], environment: try environment())
            case "--helper-variable": configuration.probeHelper?.environment.append(value)
            case "--watchdog": configuration.watchdog = .milliseconds(Int64(value) ?? 100)
            case "--fail-spawns":
                let parts = value.split(separator: ":", maxSplits: 1).map(String.init)
                InjectedFault.failSpawns(code: Int32(parts[0]) ?? 11, whileExists: parts[1])
            case "--shift-calendar": InjectedFault.shiftCalendar(by: .seconds(Int64(value) ?? 0))
            case "--jump-calendar": jumpCalendar(every: .milliseconds(Int64(value) ?? 10))
            case "--open-files": ResourceLimits.setOpenFiles(UInt64(value) ?? 64)
            default: break
            }
        }
        let ending = try Supervisor.run(configuration)
        if case .essentialServiceFatal = ending { ProcessControl.exit(1) }
    }

    /// A year forward, a year back, and so on, for as long as this process lives.
    private static func jumpCalendar(every pause: Duration) {
        // The new thread inherits that signals are for the loop and not for it.
        _ = try? SignalDescriptor([
            SignalNumber.child, SignalNumber.terminate, SignalNumber.interrupt, SignalNumber.hangup,
            SignalNumber.user1, SignalNumber.quit,
        ])
        _ = try? BackgroundThread.start {
            var year = Duration.seconds(365 * 86_400)
            while true {
                InjectedFault.shiftCalendar(by: year)
                year = .zero - year
                ProcessControl.pause(pause)
            }
        }
    }

    private static func plan(_ path: String) throws -> [ServiceSpec] {
        let json = try JSONParser.parse(try FileSystem.read(path, limit: 16 << 20))
        return try (json.arrayValue ?? []).map { try ServiceSpec(json: $0) }
    }

    private static func environment() throws -> [String] {
        try FileSystem.readStream("/proc/self/environ", limit: 1 << 20).split(separator: 0)
            .map { String(decoding: $0, as: UTF8.self) }
    }
}
