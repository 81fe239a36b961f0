// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension ChildProcess {
    /// What a short helper program printed and how it ended.
    package struct Captured: Sendable {
        package let status: ExitStatus
        /// Standard output and error, mixed as they came.
        package let output: String
        package let timedOut: Bool

        package var isSuccess: Bool { status.isSuccess && !timedOut }
    }

    /// Runs `spec` to its end with no input; its whole group is killed when it takes longer than `timeout`.
    ///
    /// Output beyond `limit` bytes is read and dropped, so that the program never waits for us.
    package static func capture(
        _ spec: ProcessSpec, timeout: Duration, limit: Int = 1 << 20
    ) throws -> Captured {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw SystemError.current("open a pipe") }
        let reader = OwnedDescriptor(taking: ends[0])
        let writer = OwnedDescriptor(taking: ends[1])
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let null = try OwnedDescriptor.open("/dev/null", .readOnly)
        let started = try spawn(spec, input: null.rawValue, output: writer.rawValue, error: writer.rawValue)
        let pid = started.pid
        _ = consume writer

        let deadline = MonotonicTime.now() + timeout
        var collected: [UInt8] = []
        var timedOut = false
        while true {
            let left = (deadline - MonotonicTime.now()).wholeMilliseconds
            guard left > 0 else {
                timedOut = true
                break
            }
            var request = pollfd(fd: reader.rawValue, events: Int16(POLLIN), revents: 0)
            let ready = poll(&request, 1, Int32(clamping: left))
            if ready < 0, errno != EINTR { throw SystemError.current("wait for output") }
            guard ready > 0 else { continue }
            let chunk = try reader.read(upTo: 65536)
            if chunk.isEmpty { break }
            collected.append(contentsOf: chunk.prefix(max(0, limit - collected.count)))
        }
        if timedOut { kill(spec.newSession ? -pid : pid, SIGKILL) }
        let status = try wait(pid: pid)
        return Captured(status: status, output: String(decoding: collected, as: UTF8.self), timedOut: timedOut)
    }
}

extension ChildProcess {
    /// Becomes `spec`: same process, same standard streams, new program. Returns only by throwing.
    package static func replace(with spec: ProcessSpec) throws(SpawnError) -> Never {
        let arguments = spec.arguments.map { strdup($0) } + [nil]
        let environment = spec.environment.map { strdup($0) } + [nil]
        execve(spec.executable, arguments, environment)
        throw SpawnError(program: spec.executable, directory: nil, step: .exec, code: errno)
    }
}
