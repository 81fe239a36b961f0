// SPDX-License-Identifier: MIT

import JSONSyntax
import SystemIO
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// Commands that go on until somebody ends them.
@Suite struct FollowingTests {
    @Test func `followed logs of two services are one object a line, whole across rotations`() throws {
        let count = 20_000
        let writer = Program.built("stand-in-service").path
        let stack = try StackFixture(
            services: ["one", "two"].map {
                """
                  \($0):
                    command: {args: [\(writer), --count, "\(count)"]}
                    restart: never
                    log: {max_size: 64KiB, keep: 100}
                """
            }.joined(separator: "\n"))
        for name in ["one", "two"] {
            try stack.scratch.write(".router/runtime/process-logs/\(name).log", "too early\nearly \"\(name)\"\n")
        }
        let following = try stack.program(["logs", "--follow", "--tail", "1", "--output", "json"]).start()
        #expect(becomesTrue { following.output.split(separator: "\n").count == 2 })
        let start = try stack.run("service", "start", "all")
        #expect(start.lines.count == 2, "\(start)")
        #expect(
            becomesTrue(within: .seconds(60)) { following.output.split(separator: "\n").count == 2 * (count + 2) })
        var lines: [String: [String]] = [:]
        for line in following.output.split(separator: "\n") {
            let object = try JSONParser.parse(String(line))
            #expect(object["schema"] == 1 && object.objectValue?.names == ["schema", "service", "line"])
            lines[object["service"]?.stringValue ?? "", default: []].append(object["line"]?.stringValue ?? "")
        }
        for name in ["one", "two"] {
            #expect(lines[name] == ["early \"\(name)\""] + (0..<count).map { "line \($0)" } + ["end"])
            let files = try FileSystem.list(stack.runtime + "/process-logs")
            #expect(files.contains { $0.hasPrefix(name + ".log.") })
        }
        following.signal(SIGINT)
        #expect(try following.finish(limit: .seconds(20)).status == .signal(SIGINT, dumpedCore: false))
    }

    @Test func `after its download up ends at once on Ctrl-C, and what it has started stays`() throws {
        let stack = try StackFixture(
            services: """
                  cliproxyapi_plus:
                    command: {args: [../.router/runtime/bin/CLIProxyAPIPlus], cwd: .}
                    readiness: {exec: ["false"]}
                """)
        try stack.scratch.write("release/cli-proxy-api-plus", "#!/bin/sh\nexec sleep 1000\n")
        let archive = stack.scratch.path("release.tar.gz")
        let folder = stack.scratch.path("release")
        #expect(try Program("/bin/chmod", ["755", folder + "/cli-proxy-api-plus"]).run().code == 0)
        #expect(try Program("/bin/tar", ["czf", archive, "-C", folder, "cli-proxy-api-plus"]).run().code == 0)
        let host = try Program.built("stand-in-release-host", ["--file", archive]).start()
        let line = waitUntil(.seconds(20)) {
            host.output.split(separator: "\n").first { $0.hasPrefix("port=") }.map { $0.dropFirst("port=".count) }
        }
        let up = try stack.program(
            ["up", "--timeout", "60"], environment: ["LLM_ROUTER_RELEASE_API": "http://127.0.0.1:\(try #require(line))"]
        ).start()
        #expect(try becomesTrue { try stack.pid(of: "cliproxyapi_plus") != nil || !up.isRunning }, "\(up.errors)")
        #expect(up.isRunning, "\(up.errors)")
        up.signal(SIGINT)
        #expect(try up.finish(limit: .seconds(10)).status == .signal(SIGINT, dumpedCore: false))
        #expect(try stack.pid(of: "cliproxyapi_plus") != nil)
        #expect(try stack.run("down").code == 0)
    }
}
