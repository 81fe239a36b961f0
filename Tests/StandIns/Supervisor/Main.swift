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
/// `stand-in-supervisor RUNTIME [--foreground PLAN.json] [--idle MS] [--crash-at STEP]`
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
                configuration.reload = { try? plan(value) }
            case "--idle": configuration.mode = .onDemand(idleGrace: .milliseconds(Int64(value) ?? 3000))
            case "--crash-at": CrashPoint.arm(count: Int(value) ?? 1)
            case "--compressor":
                configuration.compressor = ProcessSpec(executable: value, arguments: [value, "-c"], environment: [])
            case "--open-files": ResourceLimits.setOpenFiles(UInt64(value) ?? 64)
            default: break
            }
        }
        let ending = try Supervisor.run(configuration)
        if case .essentialServiceFatal = ending { ProcessControl.exit(1) }
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
