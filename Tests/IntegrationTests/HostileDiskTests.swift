// SPDX-License-Identifier: MIT

import SystemIO
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Disks that are full or read-only: a clear error, and what was there stays whole.
///
/// A file system of one's own takes root, which a container and CI have.
@Suite(.enabled(if: geteuid() == 0 && FileSystem.exists("/proc/self/ns/mnt"))) struct HostileDiskTests {
    private static let services = "  alpha: {command: {args: [sleep, \"1000\"]}, readiness: {exec: [\"true\"]}}"

    /// Runs a shell script in the project folder, with a mount namespace of its own.
    private func run(_ script: String, in stack: StackFixture) throws -> ProgramResult {
        let router = Program.built("llm-router").path
        return try Program(
            "/usr/bin/unshare", ["--mount", "/bin/sh", "-c", script.replacing("ROUTER", with: router)],
            directory: stack.path
        ).run()
    }

    @Test func `a full disk leaves the old profile in place and says so`() throws {
        let stack = try StackFixture(services: Self.services)
        let result = try run(
            """
            mkdir -p .router && mount -t tmpfs -o size=256k,mode=700 none .router || exit 77
            ROUTER profile set balanced >/dev/null || exit 78
            cp .router/runtime/litellm.active.yaml before
            dd if=/dev/zero of=.router/filler bs=1k count=4096 2>/dev/null
            ROUTER profile set cost; code=$?
            cmp before .router/runtime/litellm.active.yaml && echo same
            ROUTER status
            rm .router/filler
            ROUTER profile set cost >/dev/null && echo recovered
            exit $code
            """, in: stack)
        #expect(result.code == 1, "\(result)")
        #expect(result.errors.contains("No space left on device"))
        #expect(result.lines.contains("same"))
        #expect(result.lines.contains("current_profile=balanced"))
        #expect(result.lines.contains("recovered"))
    }

    @Test func `a read-only runtime folder is said, and reading still works`() throws {
        let stack = try StackFixture(services: Self.services)
        let result = try run(
            """
            mkdir -p .router && mount -t tmpfs -o size=1m,mode=700 none .router || exit 77
            ROUTER profile set balanced >/dev/null || exit 78
            mount -o remount,ro .router
            ROUTER status
            ROUTER service start all --timeout 5; code=$?
            ROUTER profile set cost
            exit $code
            """, in: stack)
        #expect(result.code == 1, "\(result)")
        #expect(result.lines.contains("current_profile=balanced"))
        #expect(result.errors.contains("Read-only file system"))
    }

    @Test func `an unreadable configuration is said`() throws {
        let stack = try StackFixture(services: Self.services)
        let folder = stack.scratch.path("config/routertool.yaml")
        try FileSystem.remove(folder)
        try PrivateDirectory.create(folder)
        let result = try stack.run("status")
        #expect(result.code != 0)
        #expect(result.errors.contains("routertool.yaml"))
    }
}
