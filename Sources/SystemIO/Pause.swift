// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A short wait, for the few things that the system offers no event for.
package enum Pause {
    /// Five milliseconds.
    package static func briefly() {
        usleep(5000)
    }
}
