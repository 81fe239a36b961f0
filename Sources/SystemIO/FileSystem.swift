// SPDX-License-Identifier: MIT

internal import CRouterSystem

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What stat(2) says of a path.
package struct FileStatus: Equatable, Sendable {
    package enum Kind: Sendable {
        case regular, directory, symbolicLink, socket, other
    }

    package let kind: Kind
    /// Permission bits, such as 0o600.
    package let mode: UInt32
    package let owner: UInt32
    package let sizeBytes: Int
    package let inode: UInt64
    package let device: UInt64
    /// Nanoseconds since 1970.
    package let modifiedNanoseconds: Int64
    /// Disk space really taken, which is less than the size for a file with holes.
    package let allocatedBytes: Int
}

/// Reading and removing; everything that writes a file goes through `AtomicFile` or an append-only descriptor.
package enum FileSystem {
    /// The status of `path`, or nil when nothing is there. Links are followed unless told otherwise.
    package static func status(_ path: String, followingLinks: Bool = true) throws(SystemError) -> FileStatus? {
        var raw = stat()
        let result = retryingInterrupts { followingLinks ? stat(path, &raw) : lstat(path, &raw) }
        if result == 0 { return FileStatus(raw) }
        let error = SystemError.current("look at", path: path)
        if error.isNotFound { return nil }
        throw error
    }

    /// The status of an open file.
    static func status(ofDescriptor descriptor: Int32) throws(SystemError) -> FileStatus {
        var raw = stat()
        guard fstat(descriptor, &raw) == 0 else { throw SystemError.current("look at an open file") }
        return FileStatus(raw)
    }

    package static func exists(_ path: String) -> Bool {
        access(path, F_OK) == 0
    }

    package static func isExecutable(_ path: String) -> Bool {
        guard let found = try? status(path), found.kind == .regular else { return false }
        return access(path, X_OK) == 0
    }

    /// Whether this process may create files in the folder, or write the file, at `path`.
    package static func isWritable(_ path: String) -> Bool {
        access(path, W_OK) == 0
    }

    /// The bytes of a regular file; a larger file than `limit` is refused with EFBIG instead of being cut.
    package static func read(_ path: String, limit: Int) throws(SystemError) -> [UInt8] {
        // O_NONBLOCK: opening a named pipe must not wait for its writer.
        let descriptor = try OwnedDescriptor.open(path, [.readOnly, .nonBlocking])
        var raw = stat()
        guard fstat(descriptor.rawValue, &raw) == 0 else { throw SystemError.current("look at", path: path) }
        guard raw.st_mode & S_IFMT != S_IFDIR else { throw SystemError("read", path: path, code: EISDIR) }
        guard raw.st_mode & S_IFMT == S_IFREG else { throw SystemError("read", path: path, code: EINVAL) }
        guard raw.st_size <= limit else { throw SystemError("read", path: path, code: EFBIG) }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(Int(raw.st_size))
        while true {
            let chunk = try descriptor.read(
                upTo: max(4096, min(1 << 20, Int(raw.st_size) - bytes.count + 1)), path: path)
            if chunk.isEmpty { return bytes }
            bytes.append(contentsOf: chunk)
            guard bytes.count <= limit else { throw SystemError("read", path: path, code: EFBIG) }
        }
    }

    /// The names in a folder, sorted, without `.` and `..`.
    package static func list(_ path: String) throws(SystemError) -> [String] {
        guard let stream = opendir(path) else { throw SystemError.current("list", path: path) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a file; one that is not there is fine.
    package static func remove(_ path: String) throws(SystemError) {
        guard unlink(path) == 0 || errno == ENOENT else { throw SystemError.current("remove", path: path) }
    }

    /// Removes a folder when nothing is in it.
    package static func removeEmptyFolder(_ path: String) throws(SystemError) {
        guard rmdir(path) == 0 || errno == ENOENT else { throw SystemError.current("remove", path: path) }
    }

    /// Removes a folder with all that is in it, never following a link out of it.
    package static func removeTree(_ path: String) throws(SystemError) {
        guard let found = try status(path, followingLinks: false) else { return }
        guard found.kind == .directory else { return try remove(path) }
        for name in try list(path) { try removeTree(path + "/" + name) }
        guard rmdir(path) == 0 || errno == ENOENT else { throw SystemError.current("remove", path: path) }
    }

    package static func rename(_ old: String, to new: String) throws(SystemError) {
        guard systemRename(old, new) == 0 else { throw SystemError.current("rename to \(new)", path: old) }
    }

    package static func setMode(_ path: String, _ mode: UInt32) throws(SystemError) {
        guard chmod(path, mode_t(mode)) == 0 else { throw SystemError.current("change the mode of", path: path) }
    }

    /// Makes a folder durable: its entries survive a power cut.
    package static func synchronizeDirectory(_ path: String) throws(SystemError) {
        try OwnedDescriptor.open(path, [.readOnly, .directory]).synchronize(path: path)
    }

    /// Lets the disk begin with a part of a file that has just been written; a hint that cannot fail.
    package static func startWriteback(_ descriptor: Int32, offset: Int, length: Int) {
        router_start_writeback(descriptor, off_t(offset), off_t(length))
    }

    /// Bytes that an ordinary user may still write to the file system of `path`.
    package static func freeBytes(_ path: String) throws(SystemError) -> Int {
        var raw = statvfs()
        guard statvfs(path, &raw) == 0 else { throw SystemError.current("look at", path: path) }
        return Int(clamping: UInt64(raw.f_bavail) * UInt64(raw.f_frsize))
    }
}

extension FileStatus {
    fileprivate init(_ raw: stat) {
        kind =
            switch raw.st_mode & S_IFMT {
            case S_IFREG: .regular
            case S_IFDIR: .directory
            case S_IFLNK: .symbolicLink
            case S_IFSOCK: .socket
            default: .other
            }
        mode = UInt32(raw.st_mode) & 0o7777
        owner = raw.st_uid
        sizeBytes = Int(raw.st_size)
        inode = UInt64(raw.st_ino)
        device = UInt64(raw.st_dev)
        #if os(Linux)
            modifiedNanoseconds = Int64(raw.st_mtim.tv_sec) * 1_000_000_000 + Int64(raw.st_mtim.tv_nsec)
        #else
            modifiedNanoseconds = Int64(raw.st_mtimespec.tv_sec) * 1_000_000_000 + Int64(raw.st_mtimespec.tv_nsec)
        #endif
        allocatedBytes = Int(raw.st_blocks) * 512
    }
}

private func systemRename(_ old: String, _ new: String) -> Int32 {
    rename(old, new)
}
