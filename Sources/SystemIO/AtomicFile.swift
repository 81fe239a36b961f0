// SPDX-License-Identifier: MIT

internal import CRouterSystem

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Replaces files so that a reader, or a crash at any point, sees the old bytes or the new ones, never a mix.
package enum AtomicFile {
    /// Left-over temporary files start with a dot and carry this ending; whoever finds one may remove it.
    package static let temporarySuffix = ".partial"

    /// Writes beside `path`, syncs, renames over it and syncs the folder.
    ///
    /// The temporary file has `mode` from its first byte on, so a secret is never readable by others in between.
    package static func write(_ bytes: [UInt8], to path: String, mode: UInt32) throws(SystemError) {
        let temporary = temporaryPath(for: path)
        do {
            CrashPoint.reach()
            try writeTemporary(bytes, to: temporary, mode: mode)
            CrashPoint.reach()
            try FileSystem.rename(temporary, to: path)
        } catch {
            unlink(temporary)
            throw error
        }
        CrashPoint.reach()
        try FileSystem.synchronizeDirectory(PathName.parent(of: path))
        CrashPoint.reach()
    }

    /// For a file that is replaced often and by one process only: no waiting for the disk, and no new file each time. The
    /// version before stays under a hidden name (`sparePath`), is written over, and then swapped with the current one.
    ///
    /// Who opens the path sees one version, unless it goes on reading until the next replacement. A power cut may bring
    /// the old bytes back.
    package static func swap(_ bytes: [UInt8], to path: String, mode: UInt32) throws(SystemError) {
        let spare = sparePath(for: path)
        CrashPoint.reach()
        let descriptor = try OwnedDescriptor.open(spare, [.writeOnly, .create, .noFollow], mode: mode)
        try descriptor.writeAll(bytes, path: path)
        if try descriptor.status().sizeBytes > bytes.count { try descriptor.truncate(to: bytes.count) }
        CrashPoint.reach()
        // Renaming over a file makes ext4 write the new one's data first; swapping the two does not.
        if router_exchange_files(spare, path) != 0 { try FileSystem.rename(spare, to: path) }
    }

    /// Takes a file that `swap` wrote away; its blocks stay for the next one.
    package static func withdraw(_ path: String) throws(SystemError) {
        if router_move_without_replacing(path, sparePath(for: path)) != 0 { try FileSystem.remove(path) }
    }

    /// Removes a file that `swap` wrote, and what it left.
    package static func removeWithSpare(_ path: String) throws(SystemError) {
        try FileSystem.remove(path)
        try FileSystem.remove(sparePath(for: path))
    }

    private static func sparePath(for path: String) -> String {
        PathName.parent(of: path) + "/." + PathName.last(of: path) + ".spare"
    }

    /// Writes `path` only where nothing is there yet; false when something was.
    package static func create(_ bytes: [UInt8], at path: String, mode: UInt32) throws(SystemError) -> Bool {
        let temporary = temporaryPath(for: path)
        defer { unlink(temporary) }
        try writeTemporary(bytes, to: temporary, mode: mode)
        // link(2) refuses to replace, which rename(2) would do.
        if link(temporary, path) != 0 {
            let error = SystemError.current("create", path: path)
            if error.isAlreadyThere { return false }
            throw error
        }
        try FileSystem.synchronizeDirectory(PathName.parent(of: path))
        return true
    }

    /// A name in the same folder that no other writer uses at the same time.
    package static func temporaryPath(for path: String) -> String {
        let unique = String(UInt64.random(in: 0...UInt64.max), radix: 36)
        return PathName.parent(of: path) + "/." + PathName.last(of: path) + "." + unique + temporarySuffix
    }

    private static func writeTemporary(_ bytes: [UInt8], to path: String, mode: UInt32) throws(SystemError) {
        let descriptor = try OwnedDescriptor.open(path, [.writeOnly, .create, .exclusive, .noFollow], mode: mode)
        // The umask may have taken bits away that the caller asked for.
        guard fchmod(descriptor.rawValue, mode_t(mode)) == 0 else {
            throw SystemError.current("change the mode of", path: path)
        }
        CrashPoint.reach()
        try descriptor.writeAll(bytes, path: path)
        CrashPoint.reach()
        try descriptor.synchronize(path: path)
    }
}
