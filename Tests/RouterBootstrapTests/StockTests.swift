// SPDX-License-Identifier: MIT

import Diagnostics
import FetchProtocol
import RouterBootstrap
import SystemIO
import TestSupport
import Testing

struct StockTests {
    @Test func `the last two versions are kept, and rollback goes to the one in use before`() throws {
        let fixture = try BootstrapFixture()
        for tag in ["v6.8.15-0", "v6.8.16-0", "v6.8.17-0"] { try fixture.install(fixture.request(tag)) }
        let stock = Stock(runtimeDirectory: fixture.runtime)
        #expect(try stock.list().artifacts.map(\.version) == ["6.8.17-0", "6.8.16-0"])
        #expect(try stock.list().artifacts.map(\.isCurrent) == [true, false])
        let back = try stock.rollBack("cliproxyapi_plus", channel: fixture.channel)
        #expect(back.version == "6.8.16-0")
        #expect(back.change == .rolledBack)
        #expect(try fixture.installedVersion() == "6.8.16-0")
        #expect(try stock.verify().items.map(\.problem) == [nil])
        // Forward again without a download.
        try fixture.play("html")
        #expect(try fixture.install(fixture.request("v6.8.17-0")).change == .installed)
        #expect(try fixture.installedVersion() == "6.8.17-0")
    }

    @Test func `without an older version there is no way back`() throws {
        let fixture = try BootstrapFixture()
        let stock = Stock(runtimeDirectory: fixture.runtime)
        func code() -> String? {
            do {
                _ = try stock.rollBack("cliproxyapi_plus", channel: fixture.channel)
                return nil
            } catch { return error.diagnostic.code }
        }
        #expect(code() == "bootstrap/nothing-installed")
        try fixture.install()
        #expect(code() == "bootstrap/no-older-version")
    }

    @Test func `a stored version that has been changed is not rolled back to`() throws {
        let fixture = try BootstrapFixture()
        try fixture.install(fixture.request("v6.8.15-0"))
        try fixture.install()
        let stored = fixture.runtime + "/bin/.versions/cliproxyapi_plus/6.8.15-0/CLIProxyAPIPlus"
        try AtomicFile.write([1, 2, 3], to: stored, mode: 0o755)
        #expect(throws: BootstrapError.damagedVersion(name: "cliproxyapi_plus", version: "6.8.15-0")) {
            try Stock(runtimeDirectory: fixture.runtime).rollBack("cliproxyapi_plus", channel: fixture.channel)
        }
        #expect(try fixture.installedVersion() == "6.8.16-0")
    }

    @Test func `verify finds a changed, a missing and a non-executable program`() throws {
        let fixture = try BootstrapFixture()
        try fixture.install()
        func problem() throws -> String? {
            try Stock(runtimeDirectory: fixture.runtime).verify().items.first?.problem?.code
        }
        #expect(try problem() == nil)
        try FileSystem.setMode(fixture.program, 0o600)
        #expect(try problem() == "bootstrap/not-executable")
        try AtomicFile.write([1], to: fixture.program, mode: 0o755)
        #expect(try problem() == "bootstrap/changed-file")
        try FileSystem.remove(fixture.program)
        #expect(try problem() == "bootstrap/missing-file")
    }

    @Test func `an unreadable ledger is said, and a bootstrap writes it anew`() throws {
        let fixture = try BootstrapFixture()
        try fixture.install()
        try AtomicFile.write(Array("{half".utf8), to: fixture.runtime + "/bootstrap.lock.json", mode: 0o600)
        #expect(throws: BootstrapError.self) { try Stock(runtimeDirectory: fixture.runtime).list() }
        try fixture.install()
        #expect(try Stock(runtimeDirectory: fixture.runtime).list().artifacts.count == 1)
        #expect(try fixture.scratch.read("messages").contains("bootstrap/ledger-damaged"))
    }

    @Test func `an empty runtime folder has nothing`() throws {
        let scratch = try ScratchFolder()
        #expect(try Stock(runtimeDirectory: scratch.path).list() == ArtifactList([]))
        #expect(try Stock(runtimeDirectory: scratch.path).verify() == ArtifactVerification([]))
    }
}
