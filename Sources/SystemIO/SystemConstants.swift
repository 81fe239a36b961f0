// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// What the kernel counts in.
package enum SystemConstants {
    package static let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))
    package static let ticksPerSecond = Int(sysconf(Int32(_SC_CLK_TCK)))
}
