// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import GatewayConfig
internal import GatewayHTTP
internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

@main
enum Main {
    static func main() {
        // The keys of upstreams are in this process.
        ProcessControl.forbidCoreFiles()
        ProcessControl.keepFreedMemory()
        switch Arguments.parse(Array(CommandLine.arguments.dropFirst())) {
        case .failure(let error):
            write("error: \(error.words)\n" + Arguments.usage, to: 2)
            exit(2)
        case .success(let arguments):
            exit(run(arguments))
        }
    }

    private static func run(_ arguments: Arguments) -> Int32 {
        let config = arguments.config ?? ""
        switch arguments.command {
        case .serve:
            var options = GatewayProcess.Options(config: config)
            options.host = arguments.host
            options.port = arguments.port
            options.server.loops = arguments.loops
            options.server.inheritedSocket = arguments.inheritedSocket
            options.server.predecessor = arguments.predecessor
            options.arguments = CommandLine.arguments
            options.executable = executable
            options.environment = environment
            return GatewayProcess(options, environment: variable).run()
        case .front:
            var options = FrontServer.Options(target: arguments.target ?? "")
            if let host = arguments.host { options.host = host }
            if let port = arguments.port { options.port = port }
            return FrontProcess(options).run()
        case .check:
            let report = ConfigCheck(environment: variable).run(config, asJSON: arguments.wantsJSON)
            write(report.output, to: 1)
            write(report.problems, to: 2)
            return report.isUsable ? 0 : 2
        }
    }

    @Sendable private static func variable(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// Where this program was started from; another file may lie there when a successor is started.
    private static var executable: String {
        realpath("/proc/self/exe", nil).map { path in
            defer { free(path) }
            return String(cString: path)
        } ?? CommandLine.arguments[0]
    }

    /// `NAME=value` of everything this process got.
    private static var environment: [String] {
        var entries: [String] = []
        var next = environ
        while let entry = next.pointee {
            entries.append(String(cString: entry))
            next += 1
        }
        return entries
    }

    private static func write(_ text: String, to descriptor: Int32) {
        try? OwnedDescriptor.writeAll(Array(text.utf8), to: descriptor)
    }
}
