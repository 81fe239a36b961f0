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

    /// Waits for the lock for at most `limit`; nil when somebody holds it all the time.
    package static func acquire(_ path: String, within limit: Duration) throws(SystemError) -> FileLock? {
        let deadline = MonotonicTime.now() + limit
        while true {
            if let lock = try tryAcquire(path) { return lock }
            if MonotonicTime.now() >= deadline { return nil }
            Pause.milliseconds(20)
        }
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

    /// Takes over a lock that came through an exec on `descriptor`; nil when that does not hold the lock of `path`.
    package static func inherit(_ descriptor: Int32, path: String) -> FileLock? {
        guard descriptor > 2 else { return nil }
        var ours = stat()
        var file = stat()
        guard fstat(descriptor, &ours) == 0, stat(path, &file) == 0, ours.st_ino == file.st_ino,
            ours.st_dev == file.st_dev, flock(descriptor, LOCK_EX | LOCK_NB) == 0
        else { return nil }
        let lock = FileLock(descriptor: OwnedDescriptor(taking: descriptor))
        lock.setInherited(false)
        return lock
    }

    /// Whether an exec keeps the lock held.
    package borrowing func setInherited(_ inherited: Bool) {
        descriptor.setInherited(inherited)
    }

    private init(descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }
}
