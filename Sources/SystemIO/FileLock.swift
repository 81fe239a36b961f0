// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// An exclusive flock(2) on a file, held until the value goes or the process dies; the file itself means nothing.
package struct FileLock: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor

    /// Takes the lock at once, or returns nil when another process holds it.
    package static func tryAcquire(_ path: String) throws(SystemError) -> FileLock? {
        let descriptor = try OwnedDescriptor.open(path, [.readWrite, .create, .noFollow], mode: 0o600)
        let number = descriptor.rawValue
        if retryingInterrupts({ flock(number, LOCK_EX | LOCK_NB) }) == 0 { return FileLock(descriptor: descriptor) }
        let error = SystemError.current("lock", path: path)
        if error.code == EWOULDBLOCK { return nil }
        throw error
    }

    /// Waits for the lock.
    package static func acquire(_ path: String) throws(SystemError) -> FileLock {
        let descriptor = try OwnedDescriptor.open(path, [.readWrite, .create, .noFollow], mode: 0o600)
        let number = descriptor.rawValue
        guard retryingInterrupts({ flock(number, LOCK_EX) }) == 0 else {
            throw SystemError.current("lock", path: path)
        }
        return FileLock(descriptor: descriptor)
    }

    /// The open file that carries the lock; a child that inherits it shares the lock until it ends.
    package var rawDescriptor: Int32 { descriptor.rawValue }

    private init(descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }
}
