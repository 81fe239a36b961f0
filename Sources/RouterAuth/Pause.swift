// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Blocks the calling thread; the engine runs on a thread of its own.
func pause(milliseconds: Int32) {
    _ = poll(nil, 0, milliseconds)
}
