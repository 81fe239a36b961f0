// SPDX-License-Identifier: MIT

internal import SystemIO

/// Whose process listens on a port of this machine.
package enum PortOwnership: Equatable {
    case ours
    case foreign(String)
    /// Nothing to see from here: another network namespace, or processes of other users.
    case unknown

    /// Whether one of `tree` has a listening socket on `port`.
    static func of(port: Int, tree: [Int32]) -> PortOwnership {
        let inodes = ListeningSockets.inodes(port: port)
        guard !inodes.isEmpty else { return .unknown }
        var couldRead = false
        for pid in tree {
            guard let sockets = ListeningSockets.sockets(of: pid) else { continue }
            couldRead = true
            if !sockets.isDisjoint(with: inodes) { return .ours }
        }
        guard couldRead else { return .unknown }
        guard let owner = owner(of: inodes) else { return .unknown }
        return .foreign(owner)
    }

    /// `name (pid 123)` of the process that holds one of `inodes`.
    package static func owner(of inodes: Set<UInt64>) -> String? {
        for record in ProcessRecord.all() where !record.hasEnded {
            guard let sockets = ListeningSockets.sockets(of: record.pid), !sockets.isDisjoint(with: inodes) else {
                continue
            }
            return "`\(record.name)` (pid \(record.pid))"
        }
        return nil
    }
}
