// SPDX-License-Identifier: MIT

internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A folder of a test's own that goes with the value.
package final class ScratchFolder: Sendable {
    package let path: String

    /// Creates `$TMPDIR/llm-router-test-XXXXXX`.
    package init() throws {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array((base + "/llm-router-test-XXXXXX").utf8CString)
        guard mkdtemp(&template) != nil else { throw SystemError.current("create a scratch folder", path: base) }
        path = String(decoding: template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }

    deinit {
        try? FileSystem.removeTree(path)
    }

    /// The absolute path of `name` in the folder.
    package func path(_ name: String) -> String { path + "/" + name }

    /// Writes a file, with the folders above it.
    @discardableResult
    package func write(_ name: String, _ text: String, mode: UInt32 = 0o600) throws -> String {
        try write(name, Array(text.utf8), mode: mode)
    }

    @discardableResult
    package func write(_ name: String, _ bytes: [UInt8], mode: UInt32 = 0o600) throws -> String {
        let target = path(name)
        try PrivateDirectory.create(PathName.parent(of: target))
        try AtomicFile.write(bytes, to: target, mode: mode)
        return target
    }

    /// The text of a file in the folder.
    package func read(_ name: String) throws -> String {
        String(decoding: try FileSystem.read(path(name), limit: 64 << 20), as: UTF8.self)
    }
}
