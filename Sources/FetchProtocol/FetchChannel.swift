// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import Synchronization
package import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The helper's side of the conversation: what a request's work may say, hear and start.
package final class FetchChannel: Sendable {
    private struct State {
        var inputs: [String] = []
        var isInputOpen = true
        var children: Set<Int32> = []
        /// A step is under way, or done, that is answered before the process leaves.
        var isCompleting = false
        /// The mark of programs whose whole tree ends with them.
        var marks: [Int32: String] = [:]
    }

    private let state = Mutex(State())
    private let sending = Mutex(())
    private let output: Int32

    /// Of lines that nobody has asked for, only the last are kept.
    private static let inputLimit = 64

    /// - Parameter output: the descriptor that the command reads; not closed by the channel.
    package init(output: Int32) {
        self.output = output
    }

    /// Tells the command; when nobody listens any more, the process is about to end anyway.
    package func send(_ update: FetchUpdate) {
        send(.update(update))
    }

    package func progress(
        _ item: String, _ step: String, _ detail: String = "", doneBytes: Int? = nil, totalBytes: Int? = nil
    ) {
        send(
            .progress(
                FetchProgress(item: item, step: step, detail: detail, doneBytes: doneBytes, totalBytes: totalBytes)))
    }

    func send(_ message: FetchMessage) {
        sending.withLock { _ in
            try? OwnedDescriptor.writeAll(FetchLine.encode(message), to: output)
        }
    }

    /// The next line that the operator typed; nil when none came in time.
    package func nextInput(within limit: Duration) -> String? {
        let deadline = MonotonicTime.now() + limit
        while true {
            if let line = state.withLock({ $0.inputs.isEmpty ? nil : $0.inputs.removeFirst() }) { return line }
            guard MonotonicTime.now() < deadline else { return nil }
            usleep(20_000)
        }
    }

    func received(input: String) {
        state.withLock { state in
            if state.inputs.count >= Self.inputLimit { state.inputs.removeFirst() }
            state.inputs.append(input)
        }
    }

    /// Starts a program; it, its group and what has left that are killed when the command goes away before
    /// `finished(pid:)`.
    package func start(_ spec: ProcessSpec, input: Int32, output: Int32, error: Int32) throws(SpawnError) -> Int32 {
        // Under the lock: whoever ends the children must see this one or keep it from starting.
        let started = state.withLock { state in
            Result { () throws(SpawnError) in
                let mark = MarkedProcesses.newMark()
                var spec = spec
                spec.environment.append(mark)
                let pid = try ChildProcess.spawn(spec, input: input, output: output, error: error).pid
                state.children.insert(pid)
                state.marks[pid] = mark
                return pid
            }
        }
        return try started.get()
    }

    /// The program that `start` started has been reaped; what it left behind is ended.
    package func finished(pid: Int32) {
        let mark = state.withLock { state in
            state.children.remove(pid)
            return state.marks.removeValue(forKey: pid)
        }
        if let mark { MarkedProcesses.end(mark) }
    }

    /// Runs `step` to its end and answers even when the command goes away meanwhile: no file is left half made, and none
    /// is made that nobody hears of. For a step of milliseconds that is a request's last one.
    package func completing<Value>(_ step: () throws -> Value) rethrows -> Value {
        state.withLock { $0.isCompleting = true }
        return try step()
    }

    /// Runs a program to its end; it and its group are killed when the command goes away meanwhile.
    package func run(
        _ spec: ProcessSpec, input: Int32, output: Int32, error: Int32, extraDescriptor: Int32 = -1
    ) throws(FetchProtocolError) -> ExitStatus {
        // Under the lock: whoever ends the children must see this one or keep it from starting.
        let started = state.withLock { state in
            Result { () throws(SpawnError) in
                let pid = try ChildProcess.spawn(
                    spec, input: input, output: output, error: error, extraDescriptor: extraDescriptor
                ).pid
                state.children.insert(pid)
                return pid
            }
        }
        do {
            let pid = try started.get()
            defer { state.withLock { _ = $0.children.remove(pid) } }
            return try ChildProcess.wait(pid: pid)
        } catch let error as SpawnError {
            throw .notStarted(error)
        } catch let error as SystemError {
            throw .system(error)
        } catch {
            preconditionFailure("starting and waiting throw nothing else")
        }
    }

    /// Ends the process and all that it started; called when the command has gone.
    func abandon() -> Never {
        let deadline = MonotonicTime.now() + Self.completionLimit
        while true {
            state.withLock { state in
                guard !state.isCompleting || MonotonicTime.now() >= deadline else { return }
                for pid in state.children { kill(-pid, SIGKILL) }
                for mark in state.marks.values { MarkedProcesses.end(mark) }
                // Files are left as after a crash, which every step is prepared for.
                _exit(FetchServer.abandonedExitCode)
            }
            // The process ends with its answer.
            Pause.milliseconds(5)
        }
    }

    private static let completionLimit = Duration.seconds(10)
}
