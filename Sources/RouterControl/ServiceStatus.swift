// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import RouterServices
package import SystemIO

/// The word for what a service is doing.
package enum ServicePhase: String, Sendable, CaseIterable {
    case stopped, waiting, starting, running, stopping, backoff, fatal
}

/// What the operator asked for last.
package enum WantedState: String, Sendable, CaseIterable {
    case running, stopped
}

/// How the last process of a service ended.
package struct ExitReport: Equatable, Sendable {
    package var status: ExitStatus
    package var at: Timestamp
    /// Whether somebody had asked it to stop.
    package var wasRequested = false
    /// Whether the kernel killed a process for lack of memory at that moment.
    package var outOfMemory = false

    package init(status: ExitStatus, at: Timestamp, wasRequested: Bool = false, outOfMemory: Bool = false) {
        self.status = status
        self.at = at
        self.wasRequested = wasRequested
        self.outOfMemory = outOfMemory
    }

    /// `code 1`, `SIGKILL (out of memory)`, `unknown`.
    package var words: String {
        switch status {
        case .code(let code): "code \(code)"
        case .signal(let number, let dumpedCore):
            SignalNumber.name(number) + (dumpedCore ? " (core dumped)" : "") + (outOfMemory ? " (out of memory)" : "")
        case .unknown: "unknown"
        }
    }
}

/// What one asking of a probe gave.
package struct ProbeReport: Equatable, Sendable {
    package var isOK: Bool
    /// The HTTP status or exit code.
    package var code: Int?
    /// One word, such as `connection-refused`, `timeout`, `missing-variable`; nil when all is well.
    package var error: String?
    /// What the word leaves out, such as the name of the variable.
    package var detail: String?
    package var url: String?
    package var duration: Duration
    package var at: Timestamp

    package init(
        isOK: Bool, code: Int? = nil, error: String? = nil, detail: String? = nil, url: String? = nil,
        duration: Duration = .zero, at: Timestamp
    ) {
        self.isOK = isOK
        self.code = code
        self.error = error
        self.detail = detail
        self.url = url
        self.duration = duration
        self.at = at
    }
}

/// What a service's whole tree of processes uses.
package struct ResourceUsage: Equatable, Sendable {
    package var residentBytes: Int
    /// Of one processor, since the last time this was asked or since the start.
    package var processorPercent: Double
    package var descriptors: Int
    package var processes: Int

    package init(residentBytes: Int, processorPercent: Double, descriptors: Int, processes: Int) {
        self.residentBytes = residentBytes
        self.processorPercent = processorPercent
        self.descriptors = descriptors
        self.processes = processes
    }
}

/// All that can be told of one service.
package struct ServiceStatus: Equatable, Sendable {
    package var name: String
    package var phase: ServicePhase
    package var wanted: WantedState
    package var pid: Int32?
    /// nil when the service has no readiness probe.
    package var isReady: Bool?
    package var startedAt: Timestamp?
    package var uptime: Duration?
    package var restarts = 0
    package var lastExit: ExitReport?
    /// Why it is fatal, what it waits for, when the next attempt is.
    package var detail: String?
    /// Whether the known spec differs from the one that the process runs with.
    package var isSpecChanged = false
    /// Whether the process was started by an earlier supervisor.
    package var isAdopted = false
    package var readiness: ProbeReport?
    package var liveness: ProbeReport?
    /// Only when asked for.
    package var resources: ResourceUsage?
    package var listeningPorts: [Int]?

    package init(name: String, phase: ServicePhase, wanted: WantedState) {
        self.name = name
        self.phase = phase
        self.wanted = wanted
    }
}

/// The supervisor and its services.
package struct SupervisorStatus: Equatable, Sendable {
    package var pid: Int32
    package var startedAt: Timestamp
    package var isForeground: Bool
    /// What it could not do, in words; empty when all is well.
    package var degraded: [String]
    package var services: [ServiceStatus]
    /// Whether of each service only name, state and pid are told.
    package var isOutline = false

    package init(
        pid: Int32, startedAt: Timestamp, isForeground: Bool, degraded: [String], services: [ServiceStatus]
    ) {
        self.pid = pid
        self.startedAt = startedAt
        self.isForeground = isForeground
        self.degraded = degraded
        self.services = services
    }
}
