// SPDX-License-Identifier: MIT

import RouterSupervisor
import SystemIO

/// A small file system in memory that a test may fill; unmounted when it goes.
final class SmallDisk: Sendable {
    let folder: String

    /// nil where this may not be made.
    init?(_ size: String) throws {
        folder = "/tmp/sup-fs-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        try PrivateDirectory.create(folder)
        if try !Self.run("mount", ["-t", "tmpfs", "-o", "size=\(size)", "tmpfs", folder]) {
            try FileSystem.removeTree(folder)
            return nil
        }
    }

    deinit {
        _ = try? Self.run("umount", ["-l", folder])
        try? FileSystem.removeTree(folder)
    }

    private var filler: String { folder + "/filler" }

    /// Takes all the room there is.
    func fill() throws {
        let file = try OwnedDescriptor.open(filler, [.writeOnly, .create, .append])
        for count in [1 << 20, 4096] {
            while (try? file.writeAll(Array(repeating: 0, count: count))) != nil {}
        }
    }

    func makeRoom() throws {
        try FileSystem.remove(filler)
    }

    @discardableResult
    static func run(_ program: String, _ arguments: [String]) throws -> Bool {
        guard let path = ChildProcess.locate(program, searchPath: "/usr/sbin:/sbin:/usr/bin:/bin") else { return false }
        let null = try OwnedDescriptor.open("/dev/null", [.readWrite])
        let started = try ChildProcess.spawn(
            ProcessSpec(executable: path, arguments: [program] + arguments, environment: []), input: null.rawValue,
            output: null.rawValue, error: null.rawValue)
        return try ChildProcess.wait(pid: started.pid).isSuccess
    }
}
