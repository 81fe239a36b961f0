// SPDX-License-Identifier: MIT

internal import RouterServices
package import SystemIO

/// What can be told of a stack whose supervisor is not there: the records on disk, held against the processes that live.
package struct OfflineState: Sendable {
    package var services: [ServiceStatus]
    /// Records that cannot be read, with the reason.
    package var problems: [String]

    /// Reads the state of `layout`; identities decide what runs, never a bare pid.
    package static func read(_ layout: RuntimeLayout, now: Timestamp) throws(SystemError) -> OfflineState {
        var state = OfflineState(services: [], problems: [])
        for found in try RecordStore(layout: layout).all() {
            switch found {
            case .record(let record): state.services.append(status(of: record, now: now))
            case .unreadable(let path, let reason): state.problems.append("`\(path)`: \(reason)")
            }
        }
        return state
    }

    private static func status(of record: ServiceRecord, now: Timestamp) -> ServiceStatus {
        let isAlive = record.identity?.isAlive ?? false
        let phase: ServicePhase = isAlive ? .running : record.fatal != nil ? .fatal : .stopped
        var status = ServiceStatus(name: record.spec.name, phase: phase, wanted: record.wanted)
        status.restarts = record.restarts
        status.lastExit = record.lastExit
        status.detail = record.fatal
        if isAlive, let identity = record.identity {
            status.pid = identity.pid
            let age = identity.age
            status.startedAt = Timestamp(nanoseconds: now.nanoseconds - age.wholeNanoseconds)
            status.uptime = age
        } else if record.wanted == .running {
            status.detail = status.detail ?? "it is not running, and no supervisor is there to start it"
        }
        return status
    }
}
