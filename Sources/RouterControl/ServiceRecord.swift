// SPDX-License-Identifier: MIT

package import JSONSyntax
package import RouterServices
package import SystemIO

/// What is kept on disk of one service, so that any later process can tell the truth about it. Holds no secrets.
package struct ServiceRecord: Equatable, Sendable {
    package static let schema = 1

    /// Without values of variables.
    package var spec: ServiceSpec
    /// The names that the config sets; their values are only in the process itself.
    package var environmentNames: [String]
    package var wanted: WantedState
    /// Counts starts: the process carries the same number in its environment.
    package var instance: Int
    package var identity: ProcessIdentity?
    package var startedAt: Timestamp?
    package var restarts: Int
    package var lastExit: ExitReport?
    /// Why it is fatal, if it is.
    package var fatal: String?

    package init(spec: ServiceSpec, wanted: WantedState) {
        self.spec = spec.withoutSecrets
        self.wanted = wanted
        environmentNames = spec.command.environmentNames
        instance = 0
        restarts = 0
    }

    package var json: JSONValue {
        [
            "schema": .integer(Self.schema), "wanted": .string(wanted.rawValue), "instance": .integer(instance),
            "identity": identity.map { identity in
                [
                    "pid": .integer(Int(identity.pid)), "startTicks": .integer(Int(clamping: identity.startTicks)),
                    "bootID": .string(identity.bootID),
                ]
            } ?? .null,
            "startedAt": JSONValue(startedAt?.iso8601),
            "startedAtNanoseconds": JSONValue(startedAt.map { Int($0.nanoseconds) }),
            "restarts": .integer(restarts), "lastExit": lastExit?.json ?? .null, "fatal": JSONValue(fatal),
            "spec": spec.json(.withoutSecrets), "environmentNames": .strings(environmentNames),
        ]
    }

    package init(json: JSONValue) throws(JSONFieldError) {
        let fields = try JSONFields(json)
        guard try fields.integer("schema") == Self.schema else { throw fields.error("schema", "\(Self.schema)") }
        guard let spec = fields.value("spec") else { throw fields.error("spec", "an object") }
        self.init(spec: try ServiceSpec(json: spec), wanted: try fields.word("wanted"))
        environmentNames = try fields.strings("environmentNames")
        instance = try fields.integer("instance")
        restarts = try fields.integer("restarts")
        fatal = try fields.optionalString("fatal")
        startedAt = try fields.optionalInteger("startedAtNanoseconds").map { Timestamp(nanoseconds: Int64($0)) }
        if let value = fields.value("lastExit") { lastExit = try ExitReport(json: value) }
        guard let value = fields.value("identity") else { return }
        let entry = try JSONFields(value, at: "identity")
        guard let ticks = UInt64(exactly: try entry.integer("startTicks")) else {
            throw entry.error("startTicks", "a whole number")
        }
        identity = ProcessIdentity(
            pid: Int32(truncatingIfNeeded: try entry.integer("pid")), startTicks: ticks,
            bootID: try entry.string("bootID"))
    }
}

/// Reads and writes the records of a stack.
package struct RecordStore: Sendable {
    /// Larger than any record can be.
    package static let recordLimit = 1 << 20

    package let layout: RuntimeLayout

    package init(layout: RuntimeLayout) {
        self.layout = layout
    }

    /// One file of the records folder: readable, or not and why.
    package enum Found: Sendable {
        case record(ServiceRecord)
        case unreadable(path: String, reason: String)
    }

    /// All records, by name. A folder that is not there holds none.
    package func all() throws(SystemError) -> [Found] {
        let names: [String]
        do {
            names = try FileSystem.list(layout.recordsDirectory)
        } catch {
            if error.isNotFound { return [] }
            throw error
        }
        return names.filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.map { name in
            read(layout.recordsDirectory + "/" + name, service: String(name.dropLast(5)))
        }
    }

    package func read(service: String) -> ServiceRecord? {
        guard case .record(let record) = read(layout.recordPath(service), service: service) else { return nil }
        return record
    }

    private func read(_ path: String, service: String) -> Found {
        do {
            let bytes = try FileSystem.read(path, limit: Self.recordLimit)
            let record = try ServiceRecord(json: try JSONParser.parse(bytes))
            guard record.spec.name == service else {
                return .unreadable(path: path, reason: "it is the record of `\(record.spec.name)`")
            }
            return .record(record)
        } catch let error as SystemError {
            return .unreadable(path: path, reason: error.reason)
        } catch {
            return .unreadable(path: path, reason: "\(error)")
        }
    }

    /// Replaces the record and the pid file. A reader sees the old or the new ones; a power cut may lose the newest,
    /// which then describe processes that are gone anyway.
    /// Nothing is written when `last` says the same; the pid file only when the pid is another.
    package func write(_ record: ServiceRecord, last: ServiceRecord? = nil) throws(SystemError) {
        guard record != last else { return }
        let name = record.spec.name
        try AtomicFile.swap(JSONWriter.bytes(of: record.json), to: layout.recordPath(name), mode: 0o600)
        CrashPoint.reach()
        guard last == nil || record.identity != last?.identity else { return }
        if let identity = record.identity {
            try AtomicFile.swap(Array(String(identity.pid).utf8), to: layout.pidPath(name), mode: 0o600)
        } else {
            try AtomicFile.withdraw(layout.pidPath(name))
        }
        CrashPoint.reach()
    }

    /// Whether the pid file says what the record does.
    package func isPIDFileTrue(_ record: ServiceRecord) -> Bool {
        let written = try? FileSystem.read(layout.pidPath(record.spec.name), limit: 100)
        return written == record.identity.map { Array(String($0.pid).utf8) }
    }

    package func remove(service: String) throws(SystemError) {
        try AtomicFile.removeWithSpare(layout.pidPath(service))
        try AtomicFile.removeWithSpare(layout.recordPath(service))
    }
}
