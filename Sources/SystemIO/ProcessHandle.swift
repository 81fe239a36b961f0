// SPDX-License-Identifier: MIT

internal import CRouterSystem

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A process that cannot be mistaken for a later one of the same pid, whether it is our child or not.
package final class ProcessHandle {
    package let pid: Int32
    private let descriptor: OwnedDescriptor

    /// Readable once the process has ended.
    package var rawValue: Int32 { descriptor.rawValue }

    /// Takes over the descriptor that came with a start.
    package init(pid: Int32, taking descriptor: consuming OwnedDescriptor) {
        self.pid = pid
        self.descriptor = descriptor
    }

    /// Opens the process that `identity` names; nil when it has ended, unless it is our child and still to be reaped.
    package static func open(
        _ identity: ProcessIdentity, evenIfEnded: Bool = false
    ) throws(SystemError) -> ProcessHandle? {
        let result = router_pidfd_open(identity.pid)
        guard result >= 0 else {
            let error = SystemError.current("open process \(identity.pid)")
            if error.code == ESRCH || error.code == EINVAL { return nil }
            throw error
        }
        let descriptor = OwnedDescriptor(taking: result)
        // Read after opening: were the pid recycled in between, the start time would differ.
        guard evenIfEnded || identity.isAlive else { return nil }
        return ProcessHandle(pid: identity.pid, taking: descriptor)
    }

    /// Sends `signal`; false when the process has ended.
    @discardableResult
    package func send(_ signal: Int32) -> Bool {
        router_pidfd_send_signal(descriptor.rawValue, signal) == 0
    }

    /// Sends `signal` to the process group that the process leads; falls back to the group's number where the kernel
    /// cannot do that by descriptor. Only safe while the process is not reaped.
    package func sendToGroup(_ signal: Int32) {
        if router_pidfd_send_group_signal(descriptor.rawValue, signal) != 0, errno == EINVAL {
            ProcessControl.signalGroup(pid, signal)
        }
    }

    /// How a process that is not our child ended: until its parent reaps it, its record says so; after that the kernel
    /// tells whoever held a descriptor (Linux 6.15), or nobody.
    package func exitStatusOfStranger() -> ExitStatus {
        if let status = reapedStatus() { return status }
        // The descriptor is what makes sure that the record is not that of a later process: it is a zombie, and this
        // process has ended without its status being known, so it has not been reaped.
        if let record = ProcessRecord.read(pid: pid), let status = record.waitStatus {
            return ExitStatus(waitStatus: status)
        }
        return reapedStatus() ?? .unknown
    }

    private func reapedStatus() -> ExitStatus? {
        var status: Int32 = 0
        guard router_pidfd_exit_status(descriptor.rawValue, &status) == 0 else { return nil }
        return ExitStatus(waitStatus: status)
    }
}

/// What concerns many processes at once.
package enum ProcessControl {
    /// Makes orphaned grandchildren our children, so that they can be found and reaped.
    package static func becomeSubreaper() -> Bool {
        router_become_subreaper() != 0
    }

    /// For programs that take and free large buffers all the time. By default every end of a request of 100 KB may give
    /// its pages back to the system, and the next one faults them in anew: more than twice the cost of the request.
    package static func keepFreedMemory() {
        router_keep_freed_memory()
    }

    /// No core file of this process. What it starts may leave one as before: services are debugged by them.
    @discardableResult
    package static func forbidCoreFiles() -> Bool {
        router_forbid_core_files() != 0
    }

    /// No core file and no tracing of this process by others of the same user.
    package static func forbidCoreDumps() -> Bool {
        router_forbid_core_dumps() != 0
    }

    /// Sends `signal` to every member of a process group; false when there is none.
    @discardableResult
    package static func signalGroup(_ group: Int32, _ signal: Int32) -> Bool {
        group > 1 && kill(-group, signal) == 0
    }

    /// A child that has ended and is not reaped yet.
    package static func endedChild() -> Int32? {
        let pid = router_peek_ended_child()
        return pid > 0 ? pid : nil
    }

    /// Whether `child`, which is ours, has ended; it stays as it is. Also true when it is not there.
    package static func hasEnded(child: Int32) -> Bool {
        router_child_has_ended(child) != 0
    }

    /// Our children, reaped or not, from the kernel's own list; nil where it keeps none.
    package static func children(of pid: Int32) -> [Int32]? {
        guard let bytes = try? FileSystem.readStream("/proc/\(pid)/task/\(pid)/children", limit: 1 << 20) else {
            return nil
        }
        return bytes.split(separator: UInt8(ascii: " ")).compactMap { Int32(String(decoding: $0, as: UTF8.self)) }
    }

    /// Sends `signal` to whoever has `pid`; for processes that the caller has just made sure of.
    @discardableResult
    package static func send(_ signal: Int32, to pid: Int32) -> Bool {
        pid > 1 && kill(pid, signal) == 0
    }

    /// Ends this process at once.
    package static func exit(_ code: Int32) -> Never {
        systemExit(code)
    }

    package static var currentPID: Int32 { getpid() }
    package static var currentUser: UInt32 { geteuid() }

    /// Lets time pass; for commands that wait for another process which cannot tell them.
    package static func pause(_ duration: Duration) {
        usleep(UInt32(clamping: duration.wholeNanoseconds / 1000))
    }

    /// Replaces this process by another program; returns only when that failed. Blocked signals stay blocked and pending
    /// ones pending, so none is lost on the way.
    package static func replace(with spec: ProcessSpec) -> SystemError {
        let arguments = CStringVector(spec.arguments)
        let environment = CStringVector(spec.environment)
        router_restore_core_limit()
        execve(spec.executable, arguments.pointer, environment.pointer)
        return SystemError.current("run", path: spec.executable)
    }
}

extension OwnedDescriptor {
    /// Whether an exec keeps the descriptor open.
    package borrowing func setInherited(_ inherited: Bool) {
        _ = router_set_inherited(rawValue, inherited ? 1 : 0)
    }

    package borrowing func setNonBlocking() throws(SystemError) {
        guard router_set_nonblocking(rawValue) == 0 else { throw SystemError.current("make a descriptor non-blocking") }
    }

    /// A file without a name, in memory only: what it holds goes with its last descriptor.
    package static func memoryFile(_ name: String) throws(SystemError) -> OwnedDescriptor {
        let result = router_memory_file(name)
        guard result >= 0 else { throw SystemError.current("make a file in memory") }
        return OwnedDescriptor(taking: result)
    }

    package borrowing func rewind() {
        lseek(rawValue, 0, SEEK_SET)
    }
}

private func systemExit(_ code: Int32) -> Never {
    exit(code)
}
