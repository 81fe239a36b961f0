// SPDX-License-Identifier: MIT

import Diagnostics
import FetchProtocol
import JSONSyntax
import RouterBootstrap
import SystemIO
import TestSupport
import Testing

struct BinaryBootstrapTests {
    @Test func `installs a release, executable, verified and recorded`() throws {
        let fixture = try BootstrapFixture()
        let artifact = try fixture.install()
        #expect(artifact.version == "6.8.16-0")
        #expect(artifact.path == fixture.program)
        #expect(artifact.change == .installed)
        #expect(try fixture.installedVersion() == "6.8.16-0")
        #expect(try FileSystem.status(fixture.program)?.mode == 0o755)
        #expect(try FileSystem.status(fixture.runtime)?.mode == 0o700)
        #expect(
            try fixture.files() == [
                "bin/.versions/cliproxyapi_plus/6.8.16-0/CLIProxyAPIPlus", "bin/CLIProxyAPIPlus", "bootstrap.lock.json",
            ])
    }

    @Test func `a repeat changes nothing and needs no network for a pinned version`() throws {
        let fixture = try BootstrapFixture()
        try fixture.install()
        try fixture.play("html")
        #expect(try fixture.install().change == .unchanged)
        #expect(try fixture.seen()["downloads"] == 0)
    }

    @Test func `the latest release is asked for and, unchanged, not fetched again`() throws {
        let fixture = try BootstrapFixture()
        #expect(try fixture.install(fixture.request(nil)).version == "6.8.17-0")
        #expect(try fixture.install(fixture.request(nil)).change == .unchanged)
        #expect(try fixture.seen()["downloads"] == 1)
    }

    @Test func `a damaged program is fetched again`() throws {
        let fixture = try BootstrapFixture()
        try fixture.install()
        try AtomicFile.write(Array("#!/bin/sh\necho broken\n".utf8), to: fixture.program, mode: 0o755)
        #expect(try fixture.install().change == .installed)
        #expect(try fixture.installedVersion() == "6.8.16-0")
    }

    @Test func `force fetches what is there already`() throws {
        let fixture = try BootstrapFixture()
        try fixture.install()
        var request = fixture.request()
        request.repetition = .reinstall
        #expect(try fixture.install(request).change == .installed)
        #expect(try fixture.seen()["downloads"] == 2)
    }

    @Test func `repositories are tried in order and the choice is said`() throws {
        let fixture = try BootstrapFixture()
        var request = fixture.request()
        request.origin = .release(
            api: fixture.api,
            sources: [
                .init(repository: "gone/CLIProxyAPIPlus", tag: BootstrapFixture.tag),
                .init(repository: "stale/CLIProxyAPIPlus", tag: BootstrapFixture.tag),
                .init(repository: "owner/CLIProxyAPIPlus", tag: nil),
            ], token: nil)
        #expect(try fixture.install(request).version == "6.8.17-0")
        let notices = try fixture.messages().compactMap { message -> Diagnostic? in
            if case .update(.notice(let notice)) = message { notice } else { nil }
        }
        #expect(notices.map(\.message) == ["using release `v6.8.17-0` of `owner/CLIProxyAPIPlus`"])
        #expect(notices.first?.notes.last == "`stale/CLIProxyAPIPlus`: no such release (404); its latest is `v6.0.0-0`")
    }

    @Test func `a repository that is gone is explained`() throws {
        let fixture = try BootstrapFixture()
        var request = fixture.request()
        request.origin = .release(
            api: fixture.api, sources: [.init(repository: "gone/CLIProxyAPIPlus", tag: "v1")], token: nil)
        let problem = try #require(fixture.failure(request))
        #expect(problem.code == "bootstrap/no-release")
        #expect(problem.hints.contains { $0.contains("--archive") })
    }

    @Test func `the token goes to the API and to no other host`() throws {
        let fixture = try BootstrapFixture()
        var request = fixture.request()
        request.origin = .release(
            api: fixture.api, sources: [.init(repository: "a/b", tag: nil)], token: Secret("planted"))
        try fixture.install(request)
        let seen = try fixture.seen()
        #expect(seen["saw_token"] == true)
        #expect(seen["leaked_token"] == false)
        #expect(try fixture.scratch.read("messages").contains("planted") == false)
    }

    @Test(arguments: [
        "other-spelling", "twins", "only-no-plugin", "no-digest", "no-checksums", "partial-checksums",
        "starred-checksums", "error-once", "cut-once", "stall-once", "reset-once", "zip", "other-program",
        "trailing-bytes", "no-ranges",
    ])
    func `installs all the same`(scenario: String) throws {
        let fixture = try BootstrapFixture(scenario)
        try fixture.install()
        #expect(try fixture.installedVersion() == "6.8.16-0")
        #expect(try fixture.files().count == 3)
    }

    @Test(arguments: [
        ("rate-limit", "transfer/rate-limited"), ("too-many-requests", "transfer/rate-limited"),
        ("html", "transfer/not-json"), ("no-asset", "bootstrap/no-asset"), ("uploading", "bootstrap/not-uploaded"),
        ("unverifiable", "bootstrap/no-digest"), ("only-partial-checksums", "bootstrap/no-digest"),
        ("wrong-digest", "bootstrap/checksum-mismatch"), ("disagree", "bootstrap/digests-disagree"),
        ("cut-always", "transfer/truncated"), ("stall-always", "transfer/stalled"),
        ("hanging-api", "transfer/stalled"), ("changed", "bootstrap/checksum-mismatch"),
        ("wrong-range", "transfer/wrong-range"), ("redirect-loop", "transfer/redirect-loop"),
        ("refused-download", "transfer/status"), ("missing-download", "transfer/not-found"),
        ("without-program", "bootstrap/archive-without-program"), ("empty-program", "bootstrap/not-a-program"),
        ("text-program", "bootstrap/not-a-program"), ("other-machine", "bootstrap/not-a-program"),
        ("traversal", "bootstrap/archive-hostile"), ("absolute", "bootstrap/archive-hostile"),
        ("symlink", "bootstrap/archive-hostile"), ("hardlink", "bootstrap/archive-hostile"),
        ("device", "bootstrap/archive-hostile"), ("bomb", "bootstrap/archive-too-large"),
        ("huge-member", "bootstrap/archive-too-large"), ("not-an-archive", "bootstrap/archive-unreadable"),
    ])
    func `is refused in words of its own, and the old version stays`(scenario: String, code: String) throws {
        let fixture = try BootstrapFixture()
        try fixture.install(fixture.request("v6.8.15-0"))
        let before = try fixture.files()
        try fixture.play(scenario)
        let problem = try #require(fixture.failure())
        #expect(problem.code == code, "\(problem)")
        #expect(try fixture.installedVersion() == "6.8.15-0")
        // Only a download that may go on leaves a part behind.
        #expect(try fixture.files().filter { !$0.hasPrefix("downloads/") } == before)
        #expect(!FileSystem.exists("/tmp/llm-router-escaped"))
        #expect(try Stock(runtimeDirectory: fixture.runtime).verify().items.allSatisfy { $0.problem == nil })
        // And the way is free for the next attempt.
        try fixture.play("ok")
        try fixture.install()
        #expect(try fixture.installedVersion() == "6.8.16-0")
    }

    @Test func `unverifiable bytes are installed only when that is allowed, with a warning`() throws {
        let fixture = try BootstrapFixture("unverifiable")
        var request = fixture.request()
        request.verification = .optional
        try fixture.install(request)
        #expect(try fixture.scratch.read("messages").contains("bootstrap/unverified"))
    }

    @Test func `a cut download goes on where it was`() throws {
        let fixture = try BootstrapFixture("cut-once")
        let artifact = try fixture.install()
        #expect(try fixture.seen()["ranges"] == [.string("bytes=\(artifact.sizeBytes / 2)-")])
    }

    @Test func `what an earlier run fetched is used by the next one`() throws {
        let fixture = try BootstrapFixture("stall-always")
        #expect(fixture.failure()?.code == "transfer/stalled")
        let part = try #require(try fixture.files().first { $0.hasSuffix(".part") })
        let size = try #require(try FileSystem.status(fixture.runtime + "/" + part)).sizeBytes
        #expect(size > 0)
        try fixture.play("ok")
        try fixture.install()
        #expect(try fixture.seen()["ranges"] == [.string("bytes=\(size)-")])
        #expect(try fixture.installedVersion() == "6.8.16-0")
        #expect(try fixture.files().contains { $0.hasPrefix("downloads/") } == false)
    }

    @Test func `a damaged part of an earlier run costs one more download, not the installation`() throws {
        let fixture = try BootstrapFixture("stall-always")
        #expect(fixture.failure() != nil)
        let part = try #require(try fixture.files().first { $0.hasSuffix(".part") })
        let path = fixture.runtime + "/" + part
        let bytes = try FileSystem.read(path, limit: 1 << 24)
        try AtomicFile.write(bytes.map { $0 ^ 0x55 }, to: path, mode: 0o600)
        try fixture.play("ok")
        try fixture.install()
        #expect(try fixture.installedVersion() == "6.8.16-0")
    }

    @Test func `a running service keeps its old program`() throws {
        let fixture = try BootstrapFixture()
        try fixture.install(fixture.request("v6.8.15-0"))
        let running = try OwnedDescriptor.open(fixture.program, [.readOnly])
        try fixture.install()
        #expect(String(decoding: try running.read(upTo: 200), as: UTF8.self).contains("6.8.15-0"))
        #expect(try fixture.installedVersion() == "6.8.16-0")
    }
}
