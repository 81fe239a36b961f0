// SPDX-License-Identifier: MIT

import FetchProtocol
import RouterBootstrap
import Synchronization
import SystemIO
import TestSupport
import Testing

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

struct MemoryTests {
    /// Peak resident memory of a process in KiB, as the kernel counts it.
    private func peak(of pid: Int32) -> Int? {
        guard let bytes = try? FileSystem.readStream("/proc/\(pid)/status", limit: 16384) else { return nil }
        let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
        return line.flatMap { Int($0.split(separator: " ")[1]) }
    }

    /// The newest helper that this process started and that still runs.
    private func helperPeak() -> Int? {
        let own = getpid()
        return ProcessRecord.all().filter { $0.parent == own && $0.name.hasPrefix("llm-router-fetc") }
            .compactMap { peak(of: $0.pid) }.max()
    }

    @Test func `an archive of any size needs the same little memory`() throws {
        let scratch = try ScratchFolder()
        let archive = scratch.path("big.tar.gz")
        // Random bytes do not compress, so the archive is as large as the program.
        let line = """
            (printf '#!/bin/sh\\nexit 0\\n'; head -c 60000000 /dev/urandom) > cli-proxy-api-plus
            tar cf - cli-proxy-api-plus | gzip -1 > '\(archive)'
            """
        let made = try Program("/bin/sh", ["-c", line], directory: scratch.path).run()
        try #require(made.code == 0, "\(made)")
        let fixture = try BootstrapFixture("ok", options: ["--file", archive])
        let helper = FetchHelper(
            executable: Program.built(FetchHelper.executableName).path, environment: ["PATH=/usr/bin:/bin"])
        let peak = Mutex(0)
        _ = try helper.run(fixture.request()) { _ in
            peak.withLock { $0 = max($0, helperPeak() ?? 0) }
        }
        let kibibytes = peak.withLock { $0 }
        #expect(kibibytes > 1000)
        #expect(kibibytes < 32 << 10)
    }
}
