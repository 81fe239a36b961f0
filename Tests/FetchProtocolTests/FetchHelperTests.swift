// SPDX-License-Identifier: MIT

import Diagnostics
import FetchProtocol
import JSONSyntax
import SystemIO
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// The client against small scripts that play the helper.
struct FetchHelperTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private func helper(_ script: String) throws -> FetchHelper {
        // Written by a process of its own: a fork of another test must not hold the file open for writing at its exec.
        let path = scratch.path("helper")
        let text = "#!/bin/sh\n" + script
        let writing = try Program("/bin/sh", ["-c", "cat >\"$1\" && chmod 700 \"$1\"", "sh", path], input: text).run()
        try #require(writing.code == 0, "\(writing)")
        return FetchHelper(executable: path, environment: ["PATH=/usr/bin:/bin"])
    }

    private let request = ListArtifactsRequest(runtimeDirectory: "/r")

    @Test func `updates arrive in order, then the result`() throws {
        let helper = try helper(
            """
            read line
            echo '{"value":{"name":"a","text":"1"}}'
            echo '{"prompt":"p"}'
            echo '{"result":{"artifacts":[]}}'
            """)
        var updates: [FetchUpdate] = []
        let answer = try helper.run(request) { updates.append($0) }
        #expect(answer == ArtifactList([]))
        #expect(updates == [.value(name: "a", text: "1"), .prompt("p")])
    }

    @Test func `the request comes through standard input and not through arguments`() throws {
        let helper = try helper(
            "read line; echo \"$# $line\" > \(scratch.path("seen")); echo '{\"result\":{\"artifacts\":[]}}'")
        _ = try helper.run(request)
        let seen = try scratch.read("seen")
        #expect(seen.hasPrefix("0 {\"protocol\":1,\"request\":\"bootstrap.list\""))
    }

    @Test func `a failure keeps the helper's words`() throws {
        let helper = try helper(
            #"read line; echo '{"failure":{"code":"a/b","severity":"error","message":"m","notes":[],"hints":["h"]}}'"#)
        #expect(throws: FetchProtocolError.failed(Diagnostic("a/b", "m", hints: ["h"]))) { try helper.run(request) }
    }

    @Test func `a helper that dies is said with its status`() throws {
        let helper = try helper("read line; exit 7")
        #expect(throws: FetchProtocolError.died(helper: "helper", status: .code(7))) { try helper.run(request) }
    }

    @Test func `a helper that never reads is no trap`() throws {
        let helper = try helper("exit 0")
        #expect(throws: FetchProtocolError.died(helper: "helper", status: .code(0))) { try helper.run(request) }
    }

    @Test func `a missing helper is said`() throws {
        let helper = FetchHelper(executable: scratch.path("none"), environment: [])
        let error = #expect(throws: FetchProtocolError.self) { try helper.run(request) }
        #expect(error?.diagnostic.code == "fetch/no-helper")
    }

    @Test func `an interruption ends the helper and what it started`() throws {
        let helper = try helper("read line; sleep 1000 & echo $! > \(scratch.path("pid")); wait")
        #expect(throws: FetchProtocolError.interrupted) {
            try helper.run(request, isInterrupted: { FileSystem.exists(scratch.path("pid")) })
        }
        let pid = try #require(Int32(try scratch.read("pid").dropLast()))
        // The orphan has been killed; whoever adopts it may take a moment to reap it.
        #expect(becomesTrue { ProcessIdentity.of(pid: pid) == nil })
    }

    @Test func `the operator's lines reach the helper`() throws {
        let input = try OwnedDescriptor.open(try scratch.write("input", "first\nsecond\n"), [.readOnly])
        let helper = try helper(
            """
            read line; read one; read two
            printf '{"value":%s}\\n' "{\\"name\\":\\"n\\",\\"text\\":\\"$(echo $one$two | tr -d '\\"{}')\\"}"
            echo '{"result":{"artifacts":[]}}'
            """)
        var updates: [FetchUpdate] = []
        _ = try helper.run(request, input: input.rawValue) { updates.append($0) }
        #expect(updates == [.value(name: "n", text: "input:firstinput:second")])
    }
}
