// SPDX-License-Identifier: MIT

import Diagnostics
import FetchProtocol
import JSONSyntax
import RouterBootstrap
import SystemIO
import TestSupport
import Testing

/// The helper process, killed and started again.
struct InterruptionTests {
    private func helper(_ variables: [String] = []) throws -> FetchHelper {
        let path = Program.built(FetchHelper.executableName).path
        return FetchHelper(executable: path, environment: ["PATH=/usr/bin:/bin"] + variables)
    }

    /// Whether the runtime folder has a whole program of one of `versions` and no other.
    private func expectWhole(_ fixture: BootstrapFixture, _ versions: [String?], step: Int) throws {
        let found = try fixture.installedVersion()
        #expect(versions.contains(found), "after a kill at step \(step)")
    }

    #if DEBUG
        @Test func `killed at any step, the old or the new program is there, and a repeat finishes`() throws {
            let fixture = try BootstrapFixture()
            var step = 1
            var isDone = false
            while !isDone {
                // Each round starts with two older versions, so that the removal of the oldest is a step as well.
                try FileSystem.removeTree(fixture.runtime)
                for tag in ["v6.8.15-0", "v6.8.16-0"] { try fixture.install(fixture.request(tag)) }
                let request = fixture.request("v6.8.17-0")
                do {
                    _ = try helper(["LLM_ROUTER_CRASH_AT=\(step)"]).run(request)
                    isDone = true
                } catch FetchProtocolError.died(_, .signal(9, _)) {
                    try expectWhole(fixture, ["6.8.16-0", "6.8.17-0"], step: step)
                }
                _ = try helper().run(request)
                try expectWhole(fixture, ["6.8.17-0"], step: step)
                let stock = Stock(runtimeDirectory: fixture.runtime)
                #expect(try stock.verify().items.map(\.problem) == [nil], "step \(step)")
                #expect(try stock.list().artifacts.map(\.version) == ["6.8.17-0", "6.8.16-0"], "step \(step)")
                let files = try fixture.files()
                #expect(files.count == 4, "step \(step): \(files)")
                step += 1
            }
            // A hook that is never reached would make the loop end at once.
            #expect(step > 20)
        }

        @Test func `killed at any step of a rollback, a repeat or a download sets it right`() throws {
            let fixture = try BootstrapFixture()
            var step = 1
            var isDone = false
            while !isDone {
                try FileSystem.removeTree(fixture.runtime)
                for tag in ["v6.8.15-0", "v6.8.16-0"] { try fixture.install(fixture.request(tag)) }
                do {
                    let request = RollbackRequest(runtimeDirectory: fixture.runtime, artifact: "cliproxyapi_plus")
                    _ = try helper(["LLM_ROUTER_CRASH_AT=\(step)"]).run(request)
                    isDone = true
                } catch FetchProtocolError.died(_, .signal(9, _)) {
                    try expectWhole(fixture, ["6.8.15-0", "6.8.16-0"], step: step)
                }
                _ = try helper().run(fixture.request("v6.8.15-0"))
                try expectWhole(fixture, ["6.8.15-0"], step: step)
                #expect(try Stock(runtimeDirectory: fixture.runtime).verify().items.map(\.problem) == [nil])
                step += 1
            }
            #expect(step > 5)
        }
    #endif

    @Test func `an interrupted download leaves a part, and the next one goes on there`() throws {
        let fixture = try BootstrapFixture("stall-always")
        #expect(throws: FetchProtocolError.interrupted) {
            try helper().run(fixture.request(), isInterrupted: { hasPart(fixture) })
        }
        try fixture.play("ok")
        _ = try helper().run(fixture.request())
        #expect(try fixture.seen()["ranges"]?.arrayValue?.count == 1)
        #expect(try fixture.installedVersion() == "6.8.16-0")
    }

    private func hasPart(_ fixture: BootstrapFixture) -> Bool {
        let files = (try? fixture.files()) ?? []
        guard let part = files.first(where: { $0.hasSuffix(".part") }) else { return false }
        return ((try? FileSystem.status(fixture.runtime + "/" + part))??.sizeBytes ?? 0) > 0
    }

    @Test func `bootstraps at the same time take turns, and one download serves all`() async throws {
        let fixture = try BootstrapFixture()
        let request = fixture.request()
        let helper = try helper()
        let versions = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 { group.addTask { try helper.run(request).version } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(versions == Array(repeating: "6.8.16-0", count: 8))
        #expect(try fixture.seen()["downloads"] == 1)
    }
}
