// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import FetchProtocol
internal import RouterAuth
internal import RouterBootstrap
internal import SystemIO
internal import Transfer

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The helper behind `llm-router`: everything that needs libcurl, libarchive or TLS.
///
/// It reads one request from standard input; without one it has nothing to do. Called as `llm-router-fetch filter
/// zstd|gzip`, it compresses standard input to standard output instead, which is how the supervisor shrinks old logs.
@main
enum Main {
    static func main() {
        let arguments = Array(CommandLine.arguments.dropFirst())
        if arguments.first == "filter" { exit(filter(Array(arguments.dropFirst()))) }
        // Keys and tokens pass through this process.
        _ = ProcessControl.forbidCoreDumps()
        let environment = readEnvironment()
        #if DEBUG
            if let step = environment["LLM_ROUTER_CRASH_AT"].flatMap({ Int($0) }) { CrashPoint.arm(count: step) }
        #endif
        exit(FetchServer(handlers: handlers(environment)).serve())
    }

    private static func filter(_ arguments: [String]) -> Int32 {
        guard arguments.count == 1, let format = CompressRequest.Format(rawValue: arguments[0]) else {
            complain("usage: llm-router-fetch filter zstd|gzip")
            return 2
        }
        do throws(BootstrapError) {
            try FileCompressor.compress(0, to: 1, format, name: "standard input")
            return 0
        } catch {
            complain("error: " + error.diagnostic.message)
            return 1
        }
    }

    private static func complain(_ text: String) {
        try? OwnedDescriptor.writeAll(Array((text + "\n").utf8), to: 2)
    }

    /// All that the helper can do. Each engine brings its own handlers.
    private static func handlers(_ environment: [String: String]) -> [FetchHandler] {
        let settings = TransferSettings(environment: environment)
        return AuthHandlers.all(settings: settings)
            + BootstrapHandlers.all(settings: settings, environment: environment)
            + [ProbeHandler.handler(settings: settings)]
    }

    private static func readEnvironment() -> [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return variables
    }
}
