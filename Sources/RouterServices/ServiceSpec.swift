// SPDX-License-Identifier: MIT

package import Diagnostics

/// Everything there is to know about running one service; a plain value with all paths and variables resolved.
package struct ServiceSpec: Equatable, Sendable {
    /// Unique in the stack; letters, digits, `_`, `-` and `.`.
    package var name: String
    /// The service of the config that it comes from: behind a front it has another name than its own.
    package var origin: String
    package var command: ServiceCommand
    /// Where the service listens, when the config says so; the address that must be free before a start.
    package var listen: ListenAddress?
    package var dependencies: [ServiceDependency] = []
    package var restart = RestartPolicy()
    package var stop = StopPolicy()
    package var readiness: ProbeSpec?
    package var liveness: ProbeSpec?
    package var log: LogPolicy
    /// What a profile switch does to the service.
    package var onProfileSwitch = ProfileSwitchAction.restart
    /// Whether the supervisor, in the foreground, ends with an error when this service is fatal.
    package var isEssential = false

    package init(name: String, command: ServiceCommand, log: LogPolicy) {
        self.name = name
        origin = name
        self.command = command
        self.log = log
    }
}

/// The program of a service and its surroundings.
package struct ServiceCommand: Equatable, Sendable {
    /// Absolute path, or a bare name that was found nowhere and whose start will say so.
    package var executable: String
    /// The whole argument vector, the program's own name first.
    package var arguments: [String]
    package var directory: String
    /// `NAME=value` of `env_file` and `env`: what the config itself sets.
    package var environment: Secret<[String]>
    /// `NAME=value` taken over from whoever asked for the start; not part of what makes two specs differ.
    package var inheritedEnvironment: Secret<[String]>

    package init(
        executable: String, arguments: [String], directory: String, environment: Secret<[String]> = Secret([]),
        inheritedEnvironment: Secret<[String]> = Secret([])
    ) {
        self.executable = executable
        self.arguments = arguments
        self.directory = directory
        self.environment = environment
        self.inheritedEnvironment = inheritedEnvironment
    }

    package static func == (left: ServiceCommand, right: ServiceCommand) -> Bool {
        left.executable == right.executable && left.arguments == right.arguments && left.directory == right.directory
            && left.environment == right.environment
    }
}

/// An address on this machine.
package struct ListenAddress: Hashable, Sendable {
    package var host: String
    package var port: Int

    package init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Where this machine reaches what listens on `host`; an address for listening everywhere is none to connect to.
    package static func reachableHost(_ host: String?) -> String {
        switch host {
        case nil, "", "0.0.0.0": "127.0.0.1"
        case "::", "[::]": "::1"
        case .some(let host): host
        }
    }
}

/// That a service must wait for another before it starts.
package struct ServiceDependency: Hashable, Sendable {
    package enum Condition: String, Sendable, CaseIterable {
        /// Its process runs.
        case started
        /// Its readiness probe has succeeded.
        case ready
    }

    package var service: String
    package var condition: Condition

    package init(service: String, condition: Condition) {
        self.service = service
        self.condition = condition
    }
}

/// What follows when a service's process ends by itself.
package struct RestartPolicy: Hashable, Sendable {
    package enum Mode: String, Sendable, CaseIterable {
        case always
        case onFailure = "on-failure"
        case never
    }

    package var mode = Mode.always
    /// The first restart is at once; the second waits this long, each further one `multiplier` times the last.
    package var initialDelay = Duration.milliseconds(100)
    package var maximumDelay = Duration.seconds(30)
    package var multiplier = 2.0
    /// The share of a delay that is random, from 0 to 1, so that many services do not start in step.
    package var jitter = 0.2
    /// A process that ran this long has recovered: the next restart is a first one again.
    package var stableAfter = Duration.seconds(10)
    /// More exits than this within `crashLoopWindow` make the service fatal; 0 never gives up.
    package var crashLoopLimit = 10
    package var crashLoopWindow = Duration.seconds(60)

    package init() {}
}

/// How a service is asked to end.
package struct StopPolicy: Hashable, Sendable {
    package var signal = StopSignal.terminate
    /// After this its whole tree is killed.
    package var timeout = Duration.seconds(10)

    package init() {}
}

/// The signals that make sense as a request to end; raw values are their names in the config.
package enum StopSignal: String, Sendable, CaseIterable {
    case terminate = "TERM"
    case interrupt = "INT"
    case quit = "QUIT"
    case hangup = "HUP"
    case user1 = "USR1"
    case user2 = "USR2"
    case kill = "KILL"
}

/// What a switched profile means for a running service; raw values are the words of the config.
package enum ProfileSwitchAction: String, Sendable, CaseIterable {
    case restart, reload, none
}

/// Where a service's output goes and how much of it stays.
package struct LogPolicy: Hashable, Sendable {
    package var path: String
    /// The current file is cut when it is larger.
    package var maximumBytes = 10 << 20
    /// How many older, compressed files stay.
    package var keptFiles = 5

    package init(path: String) {
        self.path = path
    }
}

/// One question that is asked again and again: is the service well?
package struct ProbeSpec: Equatable, Sendable {
    package enum Target: Equatable, Sendable {
        case http(HTTPProbe)
        case tcp(ListenAddress)
        /// Runs a program; exit code 0 means well.
        case exec([String])
    }

    package var target: Target
    package var period = Duration.seconds(5)
    package var timeout = Duration.seconds(1)
    /// Failures within this time after a start do not count, and the probe runs every `startInterval`.
    package var startPeriod = Duration.seconds(60)
    package var startInterval = Duration.milliseconds(250)
    package var successThreshold = 1
    package var failureThreshold = 3

    package init(target: Target) {
        self.target = target
    }
}

/// An HTTP GET whose answer is held against expectations; redirects are never followed.
package struct HTTPProbe: Equatable, Sendable {
    package enum Bearer: Equatable, Sendable {
        case none
        case token(Secret<String>)
        /// The config names this variable, and it is not set: the probe cannot succeed and says why.
        case missingVariable(String)
    }

    package var isTLS = false
    package var address: ListenAddress
    package var path: String
    package var bearer = Bearer.none
    package var headers: [String] = []
    package var acceptedStatus: ClosedRange<Int> = 200...299
    /// A text that the body must contain.
    package var bodyMatch: String?

    package init(address: ListenAddress, path: String) {
        self.address = address
        self.path = path
    }

    /// `http://127.0.0.1:4000/v1/models`.
    package var url: String {
        let host = address.host.contains(":") ? "[\(address.host)]" : address.host
        return "\(isTLS ? "https" : "http")://\(host):\(address.port)\(path)"
    }
}
