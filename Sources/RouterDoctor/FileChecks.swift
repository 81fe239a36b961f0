// SPDX-License-Identifier: MIT

internal import SystemIO

/// Checks of folders, files and their modes.
package enum FileChecks {
    /// The least space that an installation and its logs want.
    package static let wantedFreeBytes = 2 << 30

    /// The folder for everything that is generated: there, ours, private and writable.
    package static func runtimeDirectory(_ path: String, userID: UInt32) -> Check {
        let name = "runtime_dir"
        let create = "mkdir -p -m 700 \(path)"
        do {
            guard let found = try FileSystem.status(path) else {
                return Check(name, .warn, [("path", path), ("reason", "missing")], suggestion: create)
            }
            guard found.kind == .directory else {
                return Check(name, .fail, [("path", path), ("reason", "not-a-folder")])
            }
            guard found.owner == userID else {
                return Check(name, .fail, [("path", path), ("reason", "owned-by-uid-\(found.owner)")])
            }
            guard found.mode & 0o077 == 0 else {
                return Check(
                    name, .fail, [("path", path), ("mode", octal(found.mode))], suggestion: "chmod 700 \(path)")
            }
            guard FileSystem.isWritable(path) else {
                return Check(name, .fail, [("path", path), ("reason", "read-only")])
            }
            return Check(name, .pass, [("path", path)])
        } catch {
            return Check(name, .fail, [("path", path), ("reason", error.reason)])
        }
    }

    /// Secret files that others may read or write.
    package static func permissionIssues(of files: [String]) -> [Check] {
        files.compactMap { path in
            guard let found = try? FileSystem.status(path), found.mode & 0o077 != 0 else { return nil }
            let wanted = found.kind == .directory ? "700" : "600"
            return Check(
                "secret_permissions", .fail, [("path", path), ("mode", octal(found.mode))],
                suggestion: "chmod \(wanted) \(path)")
        }
    }

    /// One line that says how many secret files were looked at, or a line for each that others may read.
    package static func secretPermissions(_ files: [String]) -> [Check] {
        let issues = permissionIssues(of: files)
        guard issues.isEmpty else { return issues }
        let present = files.filter(FileSystem.exists)
        return [Check("secret_permissions", .pass, [("files", String(present.count))])]
    }

    /// Whether there is room for downloads and logs.
    package static func diskSpace(at path: String, wanted: Int = wantedFreeBytes) -> Check {
        var folder = path
        while !FileSystem.exists(folder), folder != "/" { folder = PathName.parent(of: folder) }
        guard let free = try? FileSystem.freeBytes(folder) else {
            return Check("disk_space", .warn, [("path", folder), ("reason", "unreadable")])
        }
        let facts = [("path", folder), ("free_mib", String(free >> 20)), ("wanted_mib", String(wanted >> 20))]
        return Check("disk_space", free >= wanted ? .pass : .warn, facts)
    }

    static func octal(_ mode: UInt32) -> String {
        let digits = String(mode & 0o7777, radix: 8)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
