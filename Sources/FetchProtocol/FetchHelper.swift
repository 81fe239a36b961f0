// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax
internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Runs requests in `llm-router-fetch`, one process a request.
///
/// The request goes through the helper's standard input, so that no secret is ever in an argument vector. The helper
/// ends when that pipe closes: it cannot outlive its caller, however the caller ends.
package struct FetchHelper: Sendable {
    package static let executableName = "llm-router-fetch"

    private let executable: String
    private let environment: [String]

    /// - Parameters:
    ///   - executable: absolute path, beside `llm-router`.
    ///   - environment: `NAME=value` entries; proxies, `PATH` and the installers' own variables are taken from it.
    package init(executable: String, environment: [String]) {
        self.executable = executable
        self.environment = environment
    }

    /// How long an interrupted helper may take to leave before it is killed.
    private static let farewell = Duration.seconds(2)
    /// How often `isInterrupted` is asked while nothing happens.
    private static let patienceMilliseconds: Int32 = 100

    /// Runs `request` to its end on the calling thread.
    ///
    /// - Parameters:
    ///   - input: a descriptor whose lines are handed to the helper (answers to prompts); nil for none.
    ///   - isInterrupted: asked a few times a second; true ends the helper and throws `.interrupted`, unless its work was
    ///     done by then.
    package func run<Request: FetchRequest>(
        _ request: Request, input: Int32? = nil, onUpdate: (FetchUpdate) -> Void = { _ in },
        isInterrupted: () -> Bool = { false }
    ) throws(FetchProtocolError) -> Request.Answer {
        var session = try Session.start(self)
        do throws(FetchProtocolError) {
            try session.send(FetchLine.encode(request))
            let value = try session.receive(input: input, onUpdate: onUpdate, isInterrupted: isInterrupted)
            session.end(within: Self.farewell)
            return try Request.Answer(json: value)
        } catch {
            session.end(within: error == .interrupted ? Self.farewell : .zero)
            guard error == .interrupted, let value = session.lastWord() else { throw error }
            return try Request.Answer(json: value)
        }
    }

    /// One running helper and the two pipes to it.
    private struct Session: ~Copyable {
        private let name: String
        private let pid: Int32
        /// Open until `end`.
        private var requests: OwnedDescriptor?
        private let requestNumber: Int32
        private let answers: OwnedDescriptor
        private var buffer = FetchLineBuffer()
        private var inputLines = OperatorLines()

        private init(
            name: String, pid: Int32, requests: consuming OwnedDescriptor, answers: consuming OwnedDescriptor
        ) {
            self.name = name
            self.pid = pid
            requestNumber = requests.rawValue
            self.requests = consume requests
            self.answers = answers
        }

        static func start(_ helper: FetchHelper) throws(FetchProtocolError) -> Session {
            do {
                var requests = try DescriptorPair.sockets()
                var answers = try DescriptorPair.pipe()
                let childInput = requests.takeReadEnd()
                let childOutput = answers.takeWriteEnd()
                let spec = ProcessSpec(
                    executable: helper.executable, arguments: [helper.executable], environment: helper.environment)
                let pid = try ChildProcess.spawn(
                    spec, input: childInput.rawValue, output: childOutput.rawValue, error: 2
                ).pid
                return Session(
                    name: PathName.last(of: helper.executable), pid: pid, requests: requests.takeWriteEnd(),
                    answers: answers.takeReadEnd())
            } catch let error as SpawnError {
                throw .notStarted(error)
            } catch let error as SystemError {
                throw .system(error)
            } catch {
                preconditionFailure("spawning throws nothing else")
            }
        }

        /// Writes to the helper; one that has gone is noticed when its answer is read.
        func send(_ bytes: [UInt8]) throws(FetchProtocolError) {
            let descriptor = requestNumber
            var offset = 0
            while offset < bytes.count {
                let sent = bytes.withUnsafeBytes { buffer in
                    retryingInterrupts { sendQuietly(descriptor, UnsafeRawBufferPointer(rebasing: buffer[offset...])) }
                }
                if sent < 0, errno == EPIPE || errno == ECONNRESET { return }
                guard sent >= 0 else { throw .system(.current("write to the download helper")) }
                offset += sent
            }
        }

        /// Reads until the result, passing updates on.
        mutating func receive(
            input: Int32?, onUpdate: (FetchUpdate) -> Void, isInterrupted: () -> Bool
        ) throws(FetchProtocolError) -> JSONValue {
            var input = input
            while true {
                while let line = try buffer.next() {
                    switch try FetchLine.decode(line) {
                    case .update(let update): onUpdate(update)
                    case .result(let value): return value
                    case .failure(let diagnostic): throw .failed(diagnostic)
                    }
                }
                let ready = try wait(for: input)
                if isInterrupted() { throw .interrupted }
                if ready.input, let descriptor = input, try !forwardInput(from: descriptor) { input = nil }
                guard ready.answer else { continue }
                let chunk = try system { () throws(SystemError) in try answers.read(upTo: 65536) }
                guard !chunk.isEmpty else { throw .died(helper: name, status: reap()) }
                buffer.append(chunk)
            }
        }

        /// The result that an ended helper had sent, if it had one.
        mutating func lastWord() -> JSONValue? {
            while true {
                do throws(FetchProtocolError) {
                    while let line = try buffer.next() {
                        if case .result(let value) = try FetchLine.decode(line) { return value }
                    }
                    guard try wait(for: nil, atMostMilliseconds: 0).answer else { return nil }
                    let chunk = try system { () throws(SystemError) in try answers.read(upTo: 65536) }
                    guard !chunk.isEmpty else { return nil }
                    buffer.append(chunk)
                } catch {
                    return nil
                }
            }
        }

        private func wait(
            for input: Int32?, atMostMilliseconds limit: Int32 = FetchHelper.patienceMilliseconds
        ) throws(FetchProtocolError) -> (answer: Bool, input: Bool) {
            var descriptors = [
                pollfd(fd: answers.rawValue, events: Int16(POLLIN), revents: 0),
                pollfd(fd: input ?? -1, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&descriptors, nfds_t(descriptors.count), limit)
            guard count >= 0 || errno == EINTR else { throw .system(.current("wait for the download helper")) }
            guard count > 0 else { return (false, false) }
            return (descriptors[0].revents != 0, descriptors[1].revents != 0)
        }

        /// Hands the operator's lines on; false at the end of the input.
        private mutating func forwardInput(from descriptor: Int32) throws(FetchProtocolError) -> Bool {
            var bytes = [UInt8](repeating: 0, count: 4096)
            let count = retryingInterrupts { systemRead(descriptor, &bytes, bytes.count) }
            // The last line may have no end, as with `printf`.
            let lines = count > 0 ? inputLines.append(bytes.prefix(count)) : inputLines.finish()
            for line in lines { try send(FetchLine.encode(input: line)) }
            return count > 0
        }

        /// Closes the pipe, which asks the helper to leave, and kills it when it has not done so in time.
        mutating func end(within limit: Duration) {
            requests = nil
            let deadline = MonotonicTime.now() + limit
            while true {
                do throws(SystemError) {
                    if try ChildProcess.reap(pid: pid) != nil { return }
                } catch {
                    // It has been reaped already.
                    return
                }
                if MonotonicTime.now() >= deadline { break }
                usleep(2000)
            }
            // Its own session: what it started goes with it.
            kill(-pid, SIGKILL)
            _ = try? ChildProcess.wait(pid: pid)
        }

        private func reap() -> ExitStatus {
            (try? ChildProcess.wait(pid: pid)) ?? .unknown
        }
    }
}

private func system<Value>(_ body: () throws(SystemError) -> Value) throws(FetchProtocolError) -> Value {
    do throws(SystemError) { return try body() } catch { throw .system(error) }
}

private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}

/// Writes to a socket without SIGPIPE, whatever the caller has done with that signal.
private func sendQuietly(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Int {
    #if os(Linux)
        send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
    #else
        send(descriptor, bytes.baseAddress, bytes.count, 0)
    #endif
}
