// SPDX-License-Identifier: MIT

internal import JSONSyntax
package import RouterServices
package import SystemIO

/// One connection to the supervisor of a runtime folder. Every call has a deadline.
package struct ControlClient: ~Copyable {
    /// Beyond what a command itself may take: for the way there and back on a loaded machine.
    package static let answerAllowance = Duration.seconds(10)

    private let descriptor: OwnedDescriptor
    private var framer = LineFramer()
    private var lastID = 0
    /// Whether the last answer said that the supervisor has adopted services it does not know enough of.
    package private(set) var supervisorLacksSpecs = false

    /// Connects; nil when no supervisor listens.
    package static func connect(_ layout: RuntimeLayout) throws(ControlError) -> ControlClient? {
        do {
            return ControlClient(try UnixSocket.connect(to: layout.socketPath))
        } catch {
            if error.isNotFound || error.isConnectionRefused { return nil }
            throw .system(error)
        }
    }

    private init(_ descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    // MARK: - Commands

    /// Starts services with what they depend on; those that run already are left alone.
    package mutating func start(
        _ names: [String], specs: [ServiceSpec], wait: ControlCommand.Wait, timeout: Duration
    ) throws(ControlError) -> [ServiceOutcome] {
        try outcomes(.start(names, wait: wait, timeout: timeout), specs, timeout)
    }

    /// Stops, in reverse order, and starts again with the new specs.
    package mutating func restart(
        _ names: [String], specs: [ServiceSpec], wait: ControlCommand.Wait, timeout: Duration
    ) throws(ControlError) -> [ServiceOutcome] {
        try outcomes(.restart(names, wait: wait, timeout: timeout), specs, timeout)
    }

    /// Stops exactly these services, those that depend on others first, and answers when their processes are gone.
    package mutating func stop(_ names: [String], timeout: Duration) throws(ControlError) -> [ServiceOutcome] {
        try outcomes(.stop(names), [], timeout)
    }

    /// Has services that run read their config anew (SIGHUP).
    package mutating func reload(_ names: [String], timeout: Duration) throws(ControlError) -> [ServiceOutcome] {
        try outcomes(.reload(names), [], timeout)
    }

    package mutating func status(
        _ names: [String] = [], detail: StatusDetail = [], timeout: Duration = Self.answerAllowance
    ) throws(ControlError) -> SupervisorStatus {
        let body = try ask(.status(names, detail), [], timeout)
        guard case .status(let status) = body else { throw .invalidAnswer("not a status") }
        return status
    }

    /// Makes `specs` the stack; with `dryRun` only tells what would be done.
    package mutating func apply(
        _ specs: [ServiceSpec], dryRun: Bool, timeout: Duration
    ) throws(ControlError) -> (plan: [PlannedChange], outcomes: [ServiceOutcome]) {
        let body = try ask(.apply(dryRun: dryRun), specs, timeout)
        guard case .plan(let plan, let outcomes) = body else { throw .invalidAnswer("not a plan") }
        return (plan, outcomes)
    }

    /// Has the supervisor replaced by `program`, which it tries first; refused when that could not take over. The answer
    /// comes before the deed, so look at the status afterwards.
    package mutating func upgrade(_ program: ProcessSpec) throws(ControlError) -> Int32 {
        try accepted(.upgrade(program), .seconds(20))
    }

    /// Ends the supervisor. With `leavingServices` they go on running, and the next supervisor adopts them.
    package mutating func stopSupervisor(leavingServices: Bool, timeout: Duration) throws(ControlError) -> Int32 {
        try accepted(.stopSupervisor(leavingServices: leavingServices), timeout)
    }

    // MARK: - One exchange

    /// Sends `command` and waits for its answer.
    package mutating func ask(
        _ command: ControlCommand, _ specs: [ServiceSpec], _ timeout: Duration
    ) throws(ControlError) -> ControlResponse.Body {
        lastID += 1
        let deadline = MonotonicTime.now() + timeout + Self.answerAllowance
        let request = ControlRequest(id: lastID, command: command, specs: specs)
        do {
            // Not write(2): to a supervisor that has just died it would end this process as well.
            var unsent = (JSONWriter.bytes(of: request.json) + [UInt8(ascii: "\n")])[...]
            while !unsent.isEmpty { unsent = unsent.dropFirst(try descriptor.send(unsent)) }
        } catch {
            throw error.isBrokenPipe ? .closed : .system(error)
        }
        let line = try nextLine(until: deadline, timeout)
        do {
            let response = try ControlResponse(json: try JSONParser.parse(line))
            guard response.id == lastID else { throw ControlError.invalidAnswer("it answers another request") }
            supervisorLacksSpecs = response.lacksSpecs
            if case .failure(let code, let message, let hints) = response.body {
                throw ControlError.refused(code: code, message: message, hints: hints)
            }
            return response.body
        } catch let error as ControlError {
            throw error
        } catch {
            throw .invalidAnswer("\(error)")
        }
    }

    private mutating func nextLine(until deadline: MonotonicTime, _ timeout: Duration) throws(ControlError) -> [UInt8] {
        while true {
            do {
                if let line = try framer.next() { return line }
            } catch {
                throw .invalidAnswer("longer than \(LineFramer.controlLimit) bytes")
            }
            do {
                guard try descriptor.waitReadable(until: deadline) else { throw ControlError.timeout(timeout) }
                let bytes = try descriptor.read(upTo: 1 << 16)
                guard !bytes.isEmpty else { throw ControlError.closed }
                framer.append(bytes)
            } catch let error as SystemError {
                throw error.isBrokenPipe ? .closed : .system(error)
            } catch let error as ControlError {
                throw error
            } catch {
                throw .closed
            }
        }
    }

    private mutating func outcomes(
        _ command: ControlCommand, _ specs: [ServiceSpec], _ timeout: Duration
    ) throws(ControlError) -> [ServiceOutcome] {
        guard case .outcomes(let outcomes) = try ask(command, specs, timeout) else {
            throw .invalidAnswer("not a list of outcomes")
        }
        return outcomes
    }

    private mutating func accepted(_ command: ControlCommand, _ timeout: Duration) throws(ControlError) -> Int32 {
        guard case .accepted(let pid) = try ask(command, [], timeout) else { throw .invalidAnswer("not accepted") }
        return pid
    }
}
