// SPDX-License-Identifier: MIT

internal import SystemIO

/// Where everything of one stack lies below its runtime folder.
package struct RuntimeLayout: Equatable, Sendable {
    package let runtimeDirectory: String

    /// `runtimeDirectory` is absolute and normalized: it is also what the processes of the stack are marked with.
    package init(runtimeDirectory: String) {
        self.runtimeDirectory = PathName.normalize(runtimeDirectory)
    }

    /// Who holds this lock is the supervisor; nothing else decides that.
    package var lockPath: String { runtimeDirectory + "/supervisor.lock" }
    package var socketPath: String { runtimeDirectory + "/supervisor.sock" }
    /// What a supervisor started on demand prints.
    package var supervisorLogPath: String { runtimeDirectory + "/supervisor.log" }
    package var eventsPath: String { runtimeDirectory + "/events.log" }
    package var recordsDirectory: String { runtimeDirectory + "/services" }
    package var pidsDirectory: String { runtimeDirectory + "/pids" }

    package func recordPath(_ service: String) -> String { recordsDirectory + "/" + service + ".json" }
    package func pidPath(_ service: String) -> String { pidsDirectory + "/" + service + ".pid" }

    /// Tells this stack's processes from those of another one: a hash (FNV-1a) of the runtime folder.
    package var stackMark: String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in runtimeDirectory.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// The variables by which a process is known to belong to a service, whatever became of the supervisor that started it.
package enum ServiceMark {
    package static let service = "LLM_ROUTER_SERVICE"
    package static let stack = "LLM_ROUTER_STACK"
    /// Counts the starts of a service; written with `instanceDigits` digits so that its length never changes.
    package static let instance = "LLM_ROUTER_INSTANCE"
    package static let instanceDigits = 20

    package static let names: Set<String> = [service, stack, instance]

    package static func instanceEntry(_ number: Int) -> String {
        let digits = String(number)
        return instance + "=" + String(repeating: "0", count: max(0, instanceDigits - digits.count)) + digits
    }
}
