// SPDX-License-Identifier: MIT

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
/// It reads one request from standard input; without one it has nothing to do.
@main
enum Main {
    static func main() {
        let environment = readEnvironment()
        #if DEBUG
            if let step = environment["LLM_ROUTER_CRASH_POINT"].flatMap({ Int($0) }) { CrashPoint.arm(count: step) }
        #endif
        exit(FetchServer(handlers: handlers(environment)).serve())
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
