// SPDX-License-Identifier: MIT

import Diagnostics
import FetchProtocol
import RouterAuth
import Synchronization
import SystemIO
import TestSupport
import Testing

/// Programs that do what no login program should, run by the real helper.
@Suite struct DeviceProgramTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private func run(
        _ script: String, timeoutMilliseconds: Int = 20_000, onUpdate: (FetchUpdate) -> Void = { _ in },
        isInterrupted: () -> Bool = { false }
    ) throws -> LoginAnswer {
        try PrivateDirectory.create(scratch.path("auths"))
        try scratch.write("program", Array(("#!/bin/sh\n" + script + "\n").utf8), mode: 0o755)
        var request = LoginRequest(
            provider: "codex", server: "http://127.0.0.1:1", key: nil, authDirectory: scratch.path("auths"))
        request.method = .device
        request.timeoutMilliseconds = timeoutMilliseconds
        request.program = .init(
            executable: scratch.path("program"), config: scratch.path("config.yaml"), directory: scratch.path,
            environment: ["PATH=/usr/bin:/bin"])
        let helper = FetchHelper(
            executable: Program.built(FetchHelper.executableName).path, environment: ["PATH=/usr/bin:/bin"])
        return try helper.run(request, onUpdate: onUpdate, isInterrupted: isInterrupted)
    }

    /// The process whose number the script has written to `pid`.
    private func leftBehind() throws -> ProcessIdentity? {
        let text = try #require(waitUntil(.seconds(20)) { try? scratch.read("pid") })
        return ProcessIdentity.of(pid: try #require(Int32(text.filter(\.isNumber))))
    }

    private static let detached = "setsid sh -c 'echo $$ > pid; exec sleep 300' & while [ ! -s pid ]; do :; done"

    @Test(arguments: [detached, "sh -c 'echo $$ > pid; exec sleep 300' & while [ ! -s pid ]; do :; done"])
    func `a program that leaves somebody with its output has ended all the same`(script: String) throws {
        let answer = try run(script + "; echo 'Codex device authentication failed: device code expired'")
        #expect(answer.status == "expired")
        #expect(try leftBehind() == nil)
    }

    @Test func `the time-out ends a program with all that it has started`() throws {
        let answer = try run(Self.detached + "; wait", timeoutMilliseconds: 500)
        #expect(answer.status == "timeout")
        #expect(try leftBehind() == nil)
    }

    @Test func `an interruption ends a program with all that it has started`() throws {
        let error = #expect(throws: FetchProtocolError.self) {
            try run(Self.detached + "; wait", isInterrupted: { FileSystem.exists(scratch.path("pid")) })
        }
        #expect(error == .interrupted)
        #expect(try becomesTrue { try leftBehind() == nil })
    }

    @Test func `a code that is printed again and again is shown once`() throws {
        var values: [FetchUpdate] = []
        let lines = """
            echo "Codex device URL: https://auth.openai.com/codex/device"
            i=0; while [ $i -lt 500 ]; do echo "Codex device code: AAAA"; i=$((i+1)); done
            while :; do echo "Codex device code: $i"; i=$((i+1)); [ $i -gt 600 ] && exit 0; done
            """
        let answer = try run(lines, onUpdate: { values.append($0) })
        #expect(answer.status == "failed")
        #expect(values.filter { $0 == .value(name: "user_code", text: "AAAA") }.count == 1)
        // A program may need a second code, but not hundreds.
        #expect(values.count == 6)
    }

    @Test func `a credential that was renewed while a program failed is no login`() throws {
        try PrivateDirectory.create(scratch.path("auths"))
        try scratch.write("auths/codex-a.json", #"{"type":"codex","access_token":"1","refresh_token":"1"}"#)
        let renewal = #"printf '{"type":"codex","access_token":"2","refresh_token":"2"}' > auths/codex-a.json"#
        #expect(try run(renewal + "; echo 'Codex device authentication failed: access_denied'").status == "denied")
        #expect(try run(renewal.replacing("2", with: "3")).status == "failed")
        let success = try run(renewal.replacing("2", with: "4") + "; echo 'Codex device authentication successful!'")
        #expect(success.status == "success")
        #expect(success.credential == "codex-a.json")
    }
}
