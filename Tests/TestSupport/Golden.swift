// SPDX-License-Identifier: MIT

internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Files of the repository that tests compare with, or write anew with `UPDATE_GOLDEN=1`.
package enum Golden {
    /// The root of the repository.
    package static let repository = PathName.normalize(#filePath + "/../../..")

    /// Whether the file at `path` (relative to the repository) holds `text`; with `UPDATE_GOLDEN=1` it does afterwards.
    package static func matches(_ path: String, _ text: String) throws -> Bool {
        let file = repository + "/" + path
        if getenv("UPDATE_GOLDEN") != nil {
            try AtomicFile.write(Array(text.utf8), to: file, mode: 0o644)
        }
        guard FileSystem.exists(file) else { return false }
        return String(decoding: try FileSystem.read(file, limit: 16 << 20), as: UTF8.self) == text
    }
}
