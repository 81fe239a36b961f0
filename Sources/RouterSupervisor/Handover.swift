// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax
internal import RouterControl
internal import RouterEvents
internal import RouterServices
internal import SystemIO

/// What one supervisor leaves to the one that replaces it in the same process: the lock, and all it knows, in memory
/// only, since that includes the services' variables.
struct Handover {
    struct Entry {
        var record: ServiceRecord
        var spec: ServiceSpec
        var runningSpec: ServiceSpec?
        var isEnvironmentKnown: Bool
        var isReady: Bool
    }

    private static let limit = 64 << 20

    let lockDescriptor: Int32
    let stateDescriptor: Int32

    /// Reads `LOCK:STATE`, two descriptor numbers.
    init?(environmentValue: String) {
        let numbers = environmentValue.split(separator: ":").compactMap { Int32($0) }
        guard numbers.count == 2, numbers.allSatisfy({ $0 > 2 }) else { return nil }
        lockDescriptor = numbers[0]
        stateDescriptor = numbers[1]
    }

    /// Puts `entries` into a file in memory that an exec keeps.
    static func make(_ entries: [Entry]) throws(SystemError) -> OwnedDescriptor {
        let file = try OwnedDescriptor.memoryFile("handover")
        let json = JSONValue.array(
            entries.map { entry in
                [
                    "record": entry.record.json, "spec": entry.spec.json(.full),
                    "runningSpec": entry.runningSpec?.json(.full) ?? .null,
                    "isEnvironmentKnown": .bool(entry.isEnvironmentKnown), "isReady": .bool(entry.isReady),
                ]
            })
        try file.writeAll(JSONWriter.bytes(of: json))
        file.rewind()
        file.setInherited(true)
        return file
    }

    /// What was handed over; nothing when it cannot be read, since the records on disk say the rest.
    func take() -> [Entry] {
        let file = OwnedDescriptor(taking: stateDescriptor)
        var bytes: [UInt8] = []
        while bytes.count < Self.limit, let chunk = try? file.read(upTo: 1 << 20), !chunk.isEmpty { bytes += chunk }
        guard let values = (try? JSONParser.parse(bytes))?.arrayValue else { return [] }
        return values.compactMap { value in
            guard let record = value["record"].flatMap({ try? ServiceRecord(json: $0) }),
                let spec = value["spec"].flatMap({ try? ServiceSpec(json: $0) })
            else { return nil }
            return Entry(
                record: record, spec: spec, runningSpec: value["runningSpec"].flatMap { try? ServiceSpec(json: $0) },
                isEnvironmentKnown: value["isEnvironmentKnown"]?.boolValue ?? false,
                isReady: value["isReady"]?.boolValue ?? false)
        }
    }
}

extension Supervisor {
    /// The variable in which a replaced supervisor leaves descriptors to the next.
    package static let handoverKey = "LLM_ROUTER_HANDOVER"

    /// Becomes the program that was asked for; only a failure returns.
    func performUpgrade() {
        guard let program = upgrade else { return }
        upgrade = nil
        save()
        let entries = runners.values.map { runner in
            Handover.Entry(
                record: record(of: runner), spec: runner.spec, runningSpec: runner.runningSpec,
                isEnvironmentKnown: runner.isEnvironmentKnown, isReady: runner.hasBeenReady && runner.isReady)
        }
        do {
            let state = try Handover.make(entries)
            lock.setInherited(true)
            var spec = program
            spec.environment = EnvironmentMerge.merge(
                program.environment, ["\(Self.handoverKey)=\(lock.rawDescriptor):\(state.rawValue)"])
            emit(.supervisorUpgrade, nil, .success, program.executable)
            save()
            CrashPoint.reach()
            let error = ProcessControl.replace(with: spec)
            lock.setInherited(false)
            emit(.supervisorUpgrade, nil, .failed, error.diagnostic.message)
        } catch {
            emit(.supervisorUpgrade, nil, .failed, error.diagnostic.message)
        }
        scheduleSave()
    }
}
