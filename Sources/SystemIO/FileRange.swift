// SPDX-License-Identifier: MIT

internal import CRouterSystem

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Taking bytes away from the front of a file that others append to.
extension OwnedDescriptor {
    /// Removes `range`, closing the gap; false where the file system cannot do that.
    package borrowing func collapse(_ range: Range<Int>) throws(SystemError) -> Bool {
        let descriptor = rawValue
        let result = retryingInterrupts {
            router_collapse_range(descriptor, off_t(range.lowerBound), off_t(range.count))
        }
        if result == 0 { return true }
        if errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS { return false }
        throw SystemError.current("cut")
    }

    /// Gives the blocks of `range` back, which then reads as zeros; false where the file system cannot do that.
    package borrowing func punch(_ range: Range<Int>) throws(SystemError) -> Bool {
        let descriptor = rawValue
        let result = retryingInterrupts { router_punch_hole(descriptor, off_t(range.lowerBound), off_t(range.count)) }
        if result == 0 { return true }
        if errno == EOPNOTSUPP || errno == ENOSYS { return false }
        throw SystemError.current("cut")
    }

    package borrowing func truncate(to size: Int) throws(SystemError) {
        let descriptor = rawValue
        guard retryingInterrupts({ ftruncate(descriptor, off_t(size)) }) == 0 else { throw SystemError.current("cut") }
    }

    /// Copies up to `count` bytes from `offset` of this file to the end of another; the number copied.
    package borrowing func copy(from offset: Int, count: Int, to other: Int32) throws(SystemError) -> Int {
        var position = off_t(offset)
        let copied = router_copy_range(rawValue, &position, other, count)
        guard copied >= 0 else { throw SystemError.current("copy") }
        return copied
    }

    /// Size, space taken and identity of the open file.
    package borrowing func status() throws(SystemError) -> FileStatus {
        try FileSystem.status(ofDescriptor: rawValue)
    }

    /// Where the first data is at or after `offset`; the size of the file when there is none.
    package borrowing func firstData(from offset: Int = 0) -> Int {
        Int(router_seek_data(rawValue, off_t(offset)))
    }

    package var blockBytes: Int {
        let size = router_block_size(rawValue)
        return size > 0 ? Int(size) : 4096
    }
}
