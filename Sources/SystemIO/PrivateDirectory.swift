// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Folders that only their owner may enter.
package enum PrivateDirectory {
    /// The folder that everything generated goes to, wherever it lies.
    package static let stackFolderName = ".router"

    /// Creates `path` and what is missing above it with mode 0700.
    ///
    /// An existing folder keeps its mode, since others may need it; only one named `.router` is claimed.
    package static func create(_ path: String) throws(SystemError) {
        if let found = try FileSystem.status(path) {
            guard found.kind == .directory else { throw SystemError("create the folder", path: path, code: ENOTDIR) }
            if PathName.last(of: path) == stackFolderName { try claim(path) }
            return
        }
        let parent = PathName.parent(of: path)
        if try FileSystem.status(parent) == nil { try create(parent) }
        CrashPoint.reach()
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw SystemError.current("create the folder", path: path) }
    }

    /// Creates `path` as a folder that nobody else has any business in: an existing one of ours loses others' access.
    package static func claim(_ path: String) throws(SystemError) {
        guard let found = try FileSystem.status(path) else { return try create(path) }
        guard found.kind == .directory else { throw SystemError("create the folder", path: path, code: ENOTDIR) }
        if found.mode & 0o077 != 0, found.owner == geteuid() { try FileSystem.setMode(path, 0o700) }
    }
}
