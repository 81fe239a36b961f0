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

/// Where the words of a login go, and what the browser that it opens is given.
@Suite struct LoginOutputTests {
    @Test func `with JSON, standard output is one object and the address goes to standard error`() throws {
        let stack = try SampleStack()
        try stack.startProxy()
        let login = try stack.start("auth", "codex", "login", "--no-browser", "--output", "json")
        let line = try #require(
            waitUntil(.seconds(20)) { login.errors.split(separator: "\n").first { $0.hasPrefix("login_url=") } })
        try stack.agree(to: String(line.dropFirst("login_url=".count)))
        let ended = try login.finish(limit: .seconds(20))
        #expect(ended.code == 0, "\(ended)")
        #expect(try JSONParser.parse(ended.output)["oauth_status"] == "success")
    }

    @Test func `a login whose output nobody reads goes on to its event`() throws {
        let stack = try SampleStack()
        try stack.startProxy()
        var pair = try DescriptorPair.pipe()
        // Closed at once.
        _ = pair.takeReadEnd()
        let output = pair.takeWriteEnd()
        let program = stack.fixture.program(["auth", "codex", "login", "--no-browser", "--timeout", "1"])
        let null = try OwnedDescriptor.open("/dev/null", [.readWrite])
        let spec = ProcessSpec(
            executable: program.path, arguments: [program.path] + program.arguments,
            environment: program.environment.map { "\($0.key)=\($0.value)" }, directory: program.directory)
        let pid = try ChildProcess.spawn(
            spec, input: null.rawValue, output: output.rawValue, error: null.rawValue
        ).pid
        withExtendedLifetime(output.rawValue) {}
        #expect(try ChildProcess.wait(pid: pid) == .code(1))
        let event = try #require(try stack.fixture.events().last { $0["event"]?.stringValue == "oauth_login" })
        #expect(event["result"]?.stringValue == "timeout")
    }

    @Test func `the browser is given the desktop and no keys`() throws {
        let stack = try SampleStack()
        try stack.startProxy()
        let scratch = try ScratchFolder()
        let script =
            "#!/bin/sh\nenv > '\(scratch.path("part"))' && mv '\(scratch.path("part"))' '\(scratch.path("env"))'\n"
        for name in ["xdg-open", "open"] { try scratch.write("bin/" + name, Array(script.utf8), mode: 0o755) }
        let login = try stack.fixture.program(
            ["auth", "codex", "login"],
            environment: [
                "PATH": scratch.path("bin") + ":/usr/bin:/bin", "DISPLAY": ":7", "LC_ALL": "C",
                "XDG_RUNTIME_DIR": "/run/x",
                "MANAGEMENT_PASSWORD": "planted-1", "OPENAI_API_KEY": "planted-2", "GITHUB_TOKEN": "planted-3",
            ]
        ).start()
        let text = try #require(waitUntil(.seconds(20)) { try? scratch.read("env") }, "\(login.errors)")
        #expect(text.contains("DISPLAY=:7\n"))
        #expect(text.contains("LC_ALL=C\n"))
        #expect(text.contains("XDG_RUNTIME_DIR=/run/x\n"))
        #expect(!text.contains("planted"))
        login.signal(SIGINT)
        _ = try login.finish(limit: .seconds(20))
    }
}
