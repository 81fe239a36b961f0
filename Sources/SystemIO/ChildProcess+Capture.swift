// SPDX-License-Identifier: MIT

internal import CRouterSystem

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

extension ChildProcess {
    /// What a short helper program printed and how it ended.
    package struct Captured: Sendable {
        package let status: ExitStatus
        /// Standard output, or both streams mixed as they came.
        package let output: String
        /// Standard error where it is kept apart.
        package let errors: String
        package let timedOut: Bool
        /// Whether more was printed than was kept.
        package let isCut: Bool

        package var isSuccess: Bool { status.isSuccess && !timedOut }
    }

    /// Runs `spec` to its end with no input; its whole group is killed when it takes longer than `timeout` or when
    /// `isCancelled` says so, which is asked a few times a second.
    ///
    /// Output beyond `limit` bytes is read and dropped, so that the program never waits for us.
    package static func capture(
        _ spec: ProcessSpec, timeout: Duration, limit: Int = 1 << 20, separatingErrors: Bool = false,
        isCancelled: @Sendable () -> Bool = { false }
    ) throws -> Captured {
        var outputs = try DescriptorPair.pipe()
        var problems = try DescriptorPair.pipe()
        let reader = outputs.takeReadEnd()
        let writer = outputs.takeWriteEnd()
        let errorReader = problems.takeReadEnd()
        let errorWriter = problems.takeWriteEnd()
        let null = try OwnedDescriptor.open("/dev/null", .readOnly)
        let started = try spawn(
            spec, input: null.rawValue, output: writer.rawValue,
            error: separatingErrors ? errorWriter.rawValue : writer.rawValue)
        let pid = started.pid
        _ = consume writer
        _ = consume errorWriter

        let deadline = MonotonicTime.now() + timeout
        var streams = [
            Capture(descriptor: reader.rawValue, limit: limit), Capture(descriptor: errorReader.rawValue, limit: limit),
        ]
        var timedOut = false
        while streams.contains(where: \.isOpen) {
            let left = (deadline - MonotonicTime.now()).wholeMilliseconds
            guard left > 0, !isCancelled() else {
                timedOut = true
                break
            }
            var requests = streams.map { pollfd(fd: $0.isOpen ? $0.descriptor : -1, events: Int16(POLLIN), revents: 0) }
            let ready = poll(&requests, nfds_t(requests.count), Int32(clamping: min(left, 200)))
            if ready < 0, errno != EINTR { throw SystemError.current("wait for output") }
            guard ready > 0 else { continue }
            for index in streams.indices where requests[index].revents != 0 { try streams[index].receive() }
        }
        if timedOut { kill(spec.newSession ? -pid : pid, SIGKILL) }
        let status = try wait(pid: pid)
        return Captured(
            status: status, output: streams[0].text, errors: streams[1].text, timedOut: timedOut,
            isCut: streams.contains(where: \.isCut))
    }

    /// One stream of a captured program.
    private struct Capture {
        let descriptor: Int32
        let limit: Int
        var isOpen = true
        private(set) var isCut = false
        private var bytes: [UInt8] = []

        init(descriptor: Int32, limit: Int) {
            self.descriptor = descriptor
            self.limit = limit
        }

        var text: String { String(decoding: bytes, as: UTF8.self) }

        mutating func receive() throws(SystemError) {
            var chunk = [UInt8](repeating: 0, count: 65536)
            var read: Result<Int, SystemError> = .success(0)
            chunk.withUnsafeMutableBytes { buffer in
                read = Result { () throws(SystemError) in try OwnedDescriptor.read(from: descriptor, into: buffer) }
            }
            chunk.removeLast(chunk.count - (try read.get()))
            if chunk.isEmpty { isOpen = false }
            let room = max(0, limit - bytes.count)
            if chunk.count > room { isCut = true }
            bytes.append(contentsOf: chunk.prefix(room))
        }
    }
}

extension ChildProcess {
    /// Becomes `spec`: same process, same standard streams, new program. Returns only by throwing.
    package static func replace(with spec: ProcessSpec) throws(SpawnError) -> Never {
        let arguments = spec.arguments.map { strdup($0) } + [nil]
        let environment = spec.environment.map { strdup($0) } + [nil]
        router_restore_core_limit()
        execve(spec.executable, arguments, environment)
        throw SpawnError(program: spec.executable, directory: nil, step: .exec, code: errno)
    }
}
