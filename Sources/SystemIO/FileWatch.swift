// SPDX-License-Identifier: MIT

internal import CRouterSystem

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Learns from the kernel that files or folders changed, without looking at them again and again.
package final class FileWatch {
    /// What is waited for, and what happened.
    package struct Change: OptionSet, Sendable {
        package let rawValue: UInt32

        package init(rawValue: UInt32) {
            self.rawValue = rawValue
        }

        package static let modified = Change(rawValue: UInt32(router_watch_modified))
        package static let removed = Change(rawValue: UInt32(router_watch_removed))
        package static let created = Change(rawValue: UInt32(router_watch_created))
        /// Only the first change is reported; `once` in an event says that the watch is over.
        package static let once = Change(rawValue: UInt32(router_watch_once))
        /// Changes were lost: look at everything.
        package static let overflow = Change(rawValue: UInt32(router_watch_overflow))
    }

    package struct Event: Sendable {
        package let watch: Int32
        package let change: Change
        /// The entry of a watched folder; empty for a watched file.
        package let name: String
    }

    /// Not an owner: closing it takes the kernel some time, which nobody should wait for.
    package let rawValue: Int32
    private let buffer: UnsafeMutablePointer<router_watch_event>
    private static let capacity = Int(router_watch_capacity)

    package init() throws(SystemError) {
        let result = router_watch_create()
        guard result >= 0 else { throw SystemError.current("watch files") }
        rawValue = result
        buffer = .allocate(capacity: Self.capacity)
    }

    deinit {
        buffer.deallocate()
        router_close_later(rawValue)
    }

    /// Starts watching `path`; the number names it in events.
    package func add(_ path: String, _ changes: Change) throws(SystemError) -> Int32 {
        let watch = router_watch_add(rawValue, path, changes.rawValue)
        guard watch >= 0 else { throw SystemError.current("watch", path: path) }
        return watch
    }

    package func remove(_ watch: Int32) {
        _ = router_watch_remove(rawValue, watch)
    }

    /// What has happened since the last call; never waits.
    package func next() -> [Event] {
        let count = router_watch_read(rawValue, buffer, Int32(Self.capacity))
        guard count > 0 else { return [] }
        return (0..<Int(count)).map { index in
            let name = withUnsafePointer(to: &buffer[index].name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            return Event(watch: buffer[index].watch, change: Change(rawValue: buffer[index].mask), name: name)
        }
    }
}
