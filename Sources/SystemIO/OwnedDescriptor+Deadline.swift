// SPDX-License-Identifier: MIT

internal import CRouterSystem

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension OwnedDescriptor {
    /// Waits until there is something to read or the other end has gone; false when `deadline` came first.
    package borrowing func waitReadable(until deadline: MonotonicTime) throws(SystemError) -> Bool {
        try wait(Int16(POLLIN), until: deadline)
    }

    /// Waits until there is room to write; false when `deadline` came first.
    package borrowing func waitWritable(until deadline: MonotonicTime) throws(SystemError) -> Bool {
        try wait(Int16(POLLOUT), until: deadline)
    }

    private borrowing func wait(_ events: Int16, until deadline: MonotonicTime) throws(SystemError) -> Bool {
        while true {
            // Rounded up, so that the last wait does not become a busy loop.
            let left = (deadline - MonotonicTime.now()).wholeNanoseconds
            let milliseconds = left <= 0 ? 0 : Int32(clamping: (left + 999_999) / 1_000_000)
            var entry = pollfd(fd: rawValue, events: events, revents: 0)
            let count = poll(&entry, 1, milliseconds)
            if count > 0 { return true }
            if count < 0, errno != EINTR { throw SystemError.current("wait for a descriptor") }
            if left <= 0 { return false }
        }
    }

    /// Writes what a socket takes now, without a signal when the other end has gone; 0 when it takes nothing.
    package borrowing func send(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
        let descriptor = rawValue
        let count = bytes.withUnsafeBytes { buffer in
            retryingInterrupts { router_send(descriptor, buffer.baseAddress, buffer.count) }
        }
        if count >= 0 { return count }
        if errno == EAGAIN { return 0 }
        throw SystemError.current("send")
    }

    /// Reads what a socket holds now; nil when there is nothing yet, empty when the other end has gone.
    package borrowing func receive(upTo limit: Int) throws(SystemError) -> [UInt8]? {
        do {
            return try read(upTo: limit)
        } catch  where error.code == EAGAIN {
            return nil
        }
    }
}
