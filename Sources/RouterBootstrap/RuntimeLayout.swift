// SPDX-License-Identifier: MIT

internal import SystemIO

/// Where things are below the runtime folder.
struct RuntimeLayout: Sendable {
    let root: String

    var binaries: String { root + "/bin" }
    var downloads: String { root + "/downloads" }
    var ledger: String { root + "/bootstrap.lock.json" }
    /// Held by flock(2) during every change; the file itself means nothing.
    var lock: String { root + "/.bootstrap.flock" }

    /// What a service runs.
    func program(_ fileName: String) -> String { binaries + "/" + fileName }

    func versions(of artifact: String) -> String { binaries + "/.versions/" + artifact }

    /// A file or folder that the ledger names relative to the root.
    func absolute(_ relative: String) -> String { root + "/" + relative }

    func relative(_ absolute: String) -> String {
        absolute.hasPrefix(root + "/") ? String(absolute.dropFirst(root.utf8.count + 1)) : absolute
    }

    /// Removes what a killed process left half-written in `folder`.
    static func removeLeftovers(in folder: String) {
        for name in (try? FileSystem.list(folder)) ?? []
        where name.hasPrefix(".") && name.hasSuffix(AtomicFile.temporarySuffix) {
            try? FileSystem.removeTree(folder + "/" + name)
        }
    }
}
