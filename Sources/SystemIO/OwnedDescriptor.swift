// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A file descriptor that is closed exactly once, when its owner goes.
package struct OwnedDescriptor: ~Copyable, Sendable {
    package let rawValue: Int32

    /// Takes over `rawValue`, which must be open and owned by nobody else.
    package init(taking rawValue: Int32) {
        precondition(rawValue >= 0, "a descriptor is never negative")
        self.rawValue = rawValue
    }

    deinit {
        close(rawValue)
    }

    /// Gives the descriptor up without closing it.
    package consuming func release() -> Int32 {
        let value = rawValue
        discard self
        return value
    }

    /// Opens `path`; the descriptor never survives an exec.
    package static func open(_ path: String, _ flags: OpenFlags, mode: UInt32 = 0o600) throws(SystemError)
        -> OwnedDescriptor
    {
        let descriptor = retryingInterrupts { systemOpen(path, flags.rawValue | O_CLOEXEC, mode_t(mode)) }
        guard descriptor >= 0 else { throw SystemError.current("open", path: path) }
        return OwnedDescriptor(taking: descriptor)
    }

    /// Writes all of `bytes`, however many calls that takes.
    package borrowing func writeAll(_ bytes: borrowing [UInt8], path: String? = nil) throws(SystemError) {
        try Self.writeAll(bytes, to: rawValue, path: path)
    }

    /// Writes all of `bytes` to a descriptor that somebody else owns, such as standard output.
    package static func writeAll(_ bytes: borrowing [UInt8], to descriptor: Int32, path: String? = nil)
        throws(SystemError)
    {
        var failure: SystemError?
        bytes.withUnsafeBytes { buffer in
            do throws(SystemError) { try writeAll(buffer, to: descriptor, path: path) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    /// Writes all of `buffer`, wherever it is.
    package static func writeAll(_ buffer: UnsafeRawBufferPointer, to descriptor: Int32, path: String? = nil)
        throws(SystemError)
    {
        var offset = 0
        while offset < buffer.count {
            let written = retryingInterrupts {
                write(descriptor, buffer.baseAddress.map { $0 + offset }, buffer.count - offset)
            }
            guard written >= 0 else { throw SystemError.current("write", path: path) }
            offset += written
        }
    }

    /// Reads at most `limit` bytes; empty at the end of the file.
    package borrowing func read(upTo limit: Int, path: String? = nil) throws(SystemError) -> [UInt8] {
        var count = 0
        let descriptor = rawValue
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
            count = retryingInterrupts { systemRead(descriptor, buffer.baseAddress, limit) }
            initialized = max(0, count)
        }
        guard count >= 0 else { throw SystemError.current("read", path: path) }
        return bytes
    }

    /// Reads into memory that the caller keeps; 0 at the end of the file.
    package borrowing func read(into buffer: UnsafeMutableRawBufferPointer, path: String? = nil) throws(SystemError)
        -> Int
    {
        try Self.read(from: rawValue, into: buffer, path: path)
    }

    /// Reads from a descriptor that somebody else owns, such as standard input; 0 at the end of the file.
    package static func read(
        from descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, path: String? = nil
    ) throws(SystemError) -> Int {
        let count = retryingInterrupts { systemRead(descriptor, buffer.baseAddress, buffer.count) }
        guard count >= 0 else { throw SystemError.current("read", path: path) }
        return count
    }

    /// Reads at most `limit` bytes from `offset` on, wherever the position is.
    package borrowing func read(upTo limit: Int, at offset: Int, path: String? = nil) throws(SystemError) -> [UInt8] {
        var count = 0
        let descriptor = rawValue
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { buffer, initialized in
            count = retryingInterrupts { pread(descriptor, buffer.baseAddress, limit, off_t(offset)) }
            initialized = max(0, count)
        }
        guard count >= 0 else { throw SystemError.current("read", path: path) }
        return bytes
    }

    package borrowing func synchronize(path: String? = nil) throws(SystemError) {
        let descriptor = rawValue
        guard retryingInterrupts({ fsync(descriptor) }) == 0 else { throw SystemError.current("sync", path: path) }
    }
}

/// How to open a file; the names are those of open(2).
package struct OpenFlags: OptionSet, Sendable {
    package let rawValue: Int32

    package init(rawValue: Int32) {
        self.rawValue = rawValue
    }

    package static let readOnly = OpenFlags(rawValue: O_RDONLY)
    package static let writeOnly = OpenFlags(rawValue: O_WRONLY)
    package static let readWrite = OpenFlags(rawValue: O_RDWR)
    package static let create = OpenFlags(rawValue: O_CREAT)
    package static let exclusive = OpenFlags(rawValue: O_EXCL)
    package static let append = OpenFlags(rawValue: O_APPEND)
    package static let truncate = OpenFlags(rawValue: O_TRUNC)
    package static let noFollow = OpenFlags(rawValue: O_NOFOLLOW)
    package static let directory = OpenFlags(rawValue: O_DIRECTORY)
    package static let nonBlocking = OpenFlags(rawValue: O_NONBLOCK)
}

/// Repeats a system call that a signal cut short.
package func retryingInterrupts<Result: SignedInteger>(_ call: () -> Result) -> Result {
    while true {
        let result = call()
        if result != -1 || errno != EINTR { return result }
    }
}

private func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 {
    open(path, flags, mode)
}

private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
