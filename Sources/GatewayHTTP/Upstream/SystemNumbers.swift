// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// ECONNREFUSED of this system.
let connectionRefused = ECONNREFUSED
