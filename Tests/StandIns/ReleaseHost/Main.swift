// SPDX-License-Identifier: MIT

internal import StandInHTTP
internal import SystemIO

/// `stand-in-release-host [--scenario WORD] [--file ARCHIVE] [--system S] [--architecture A]`
///
/// Prints `port=<n>` when it is ready and serves until it is killed. `GET /_control` tells what it has seen,
/// `POST /_control?scenario=WORD` changes what it does.
@main
enum Main {
    static func main() async throws {
        var options: [String: String] = [:]
        var arguments = CommandLine.arguments.dropFirst()
        while let name = arguments.popFirst(), let value = arguments.popFirst() { options[name] = value }
        #if arch(arm64)
            let own = "arm64"
        #else
            let own = "amd64"
        #endif
        #if os(Linux)
            let system = "linux"
        #else
            let system = "darwin"
        #endif
        let fixed = try options["--file"].map { try FileSystem.read($0, limit: 1 << 31) }
        let host = ReleaseHost(
            scenario: options["--scenario"].flatMap(Scenario.init) ?? .ok, fixed: fixed,
            system: options["--system"] ?? system, architecture: options["--architecture"] ?? own)
        let files = try await StandInServer.start { host.answerFiles($0) }
        let api = try await StandInServer.start { host.answerAPI($0) }
        host.setPorts(api: api.port, files: files.port)
        try OwnedDescriptor.writeAll(Array("port=\(api.port)\n".utf8), to: 1)
        while true { try await Task.sleep(for: .seconds(3600)) }
    }
}
