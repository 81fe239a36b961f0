// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Waits of the calling thread, for the few things that the system offers no event for.
package enum Pause {
    package static func milliseconds(_ count: Int32) {
        _ = poll(nil, 0, count)
    }
}
