// SPDX-License-Identifier: MIT

internal import JSONSyntax
package import RouterServices
package import SystemIO

/// What a command asks of the supervisor; docs/control-protocol.md shows each as it goes over the socket.
package enum ControlCommand: Equatable, Sendable {
    /// How far a start goes before it is answered.
    package enum Wait: Equatable, Sendable {
        /// The process has exec'd.
        case started
        /// It has also lived this long.
        case alive(Duration)
        /// The readiness probe has succeeded; the same as `started` without one.
        case ready
    }

    /// Names of services; none means all.
    case start([String], wait: Wait, timeout: Duration)
    case restart([String], wait: Wait, timeout: Duration)
    case stop([String])
    /// Sends SIGHUP to the main process of each: for services that read their config anew by themselves.
    case reload([String])
    case status([String], StatusDetail)
    /// Makes exactly the request's specs the stack; with `dryRun` only says what that would do.
    case apply(dryRun: Bool)
    /// Replaces the supervisor by this program, without touching a service.
    case upgrade(ProcessSpec)
    /// Ends the supervisor, and its services unless they are to be left running.
    case stopSupervisor(leavingServices: Bool)
}

/// How much is told of each service. What costs time to find out is only told when asked for.
package struct StatusDetail: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    package static let resources = StatusDetail(rawValue: 1)
    package static let ports = StatusDetail(rawValue: 2)
    /// Names, states and pids and nothing else, for those who ask often or for many.
    package static let outline = StatusDetail(rawValue: 4)
}

/// One request: a command and every spec its sender knows.
package struct ControlRequest: Equatable, Sendable {
    package var id: Int
    package var command: ControlCommand
    package var specs: [ServiceSpec]

    package init(id: Int, command: ControlCommand, specs: [ServiceSpec] = []) {
        self.id = id
        self.command = command
        self.specs = specs
    }
}

/// What came of a request for one service.
package struct ServiceOutcome: Equatable, Sendable {
    package enum Result: String, Sendable, CaseIterable {
        case started, restarted, stopped, reloaded
        case alreadyRunning = "already-running"
        case notRunning = "not-running"
        case stopFailed = "stop-failed"
        case failed, timeout

        package var isSuccess: Bool {
            switch self {
            case .started, .restarted, .stopped, .reloaded, .alreadyRunning, .notRunning: true
            case .stopFailed, .failed, .timeout: false
            }
        }
    }

    package var service: String
    package var result: Result
    package var pid: Int32?
    /// Why it failed, for people.
    package var detail: String?
    /// The end of the service's log, when it died.
    package var lastLines: [String]

    package init(
        service: String, result: Result, pid: Int32? = nil, detail: String? = nil, lastLines: [String] = []
    ) {
        self.service = service
        self.result = result
        self.pid = pid
        self.detail = detail
        self.lastLines = lastLines
    }
}

/// One step of a reload.
package struct PlannedChange: Equatable, Sendable {
    package enum Action: String, Sendable, CaseIterable {
        case keep, start, restart, remove
        /// Takes the new spec without touching the process, which does not depend on what changed.
        case update
    }

    package var service: String
    package var action: Action
    /// The fields that differ, or another reason; never values.
    package var reasons: [String]

    package init(service: String, action: Action, reasons: [String] = []) {
        self.service = service
        self.action = action
        self.reasons = reasons
    }
}

/// What the supervisor answers.
package struct ControlResponse: Equatable, Sendable {
    package enum Body: Equatable, Sendable {
        case outcomes([ServiceOutcome])
        case status(SupervisorStatus)
        /// The plan, and what came of it unless it was a dry run.
        case plan([PlannedChange], [ServiceOutcome])
        /// Agreed; the deed follows.
        case accepted(pid: Int32)
        case failure(code: String, message: String, hints: [String])
    }

    package var id: Int
    package var body: Body
    /// Whether the supervisor has adopted services whose variables or keys it has not been told yet.
    package var lacksSpecs: Bool

    package init(id: Int, body: Body, lacksSpecs: Bool = false) {
        self.id = id
        self.body = body
        self.lacksSpecs = lacksSpecs
    }
}
