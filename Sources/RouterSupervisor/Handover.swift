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
        Self.read(OwnedDescriptor(taking: stateDescriptor)) ?? []
    }

    private static func read(_ file: consuming OwnedDescriptor) -> [Entry]? {
        var bytes: [UInt8] = []
        while bytes.count < limit, let chunk = try? file.read(upTo: 1 << 20), !chunk.isEmpty { bytes += chunk }
        guard let values = (try? JSONParser.parse(bytes))?.arrayValue else { return nil }
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

    // MARK: - Trial

    /// In place of descriptor numbers: only try to read what would be handed over, from standard input.
    static let trialValue = "trial"
    /// The last line of a program that could take over, with the number of services it understood.
    static func trialLine(_ count: Int) -> String { "handover-ok \(count)" }

    /// Answers a running supervisor that asks whether this program could take over.
    static func answerTrial() throws(SystemError) {
        guard let entries = read(OwnedDescriptor(taking: 0)) else { return }
        try OwnedDescriptor.writeAll(Array((trialLine(entries.count) + "\n").utf8), to: 1)
    }
}

extension Supervisor {
    /// The variable in which a replaced supervisor leaves descriptors to the next.
    package static let handoverKey = "LLM_ROUTER_HANDOVER"

    /// How long the new program may take to say that it could take over.
    private static let trialLimit = Duration.seconds(20)

    /// Runs the new program beside this one first; it is asked to read all that it would be handed, so that one that is
    /// broken, of another machine or with a config it does not accept never gets to replace a supervisor that works.
    func tryUpgrade(_ program: ProcessSpec, _ answer: @escaping Answer) {
        guard upgradeTrial == nil else {
            return answer(.failure(code: Self.refusal, message: "another upgrade is under way", hints: []))
        }
        let entries = handoverEntries()
        var trial = program
        trial.environment = EnvironmentMerge.merge(
            program.environment, ["\(Self.handoverKey)=\(Handover.trialValue)"])
        let limit = loop.after(Self.trialLimit) { [weak self] in
            self?.upgradeTrial?.kill()
            self?.upgradeTrial = nil
            answer(Self.refused(program, "it gave no answer within \(Self.trialLimit)"))
        }
        do {
            let state = try Handover.make(entries)
            upgradeTrial = try HelperProcess(trial, source: state, error: 2, loop: loop, children: children) {
                [weak self] status, output in
                guard let self else { return }
                loop.cancel(limit)
                upgradeTrial = nil
                let lines = String(decoding: output, as: UTF8.self).split(separator: "\n")
                guard status.isSuccess, lines.last.map(String.init) == Handover.trialLine(entries.count) else {
                    let words =
                        status.isSuccess
                        ? "it is no supervisor"
                        : "it ended with \(ExitReport(status: status, at: Timestamp.now()).words)"
                    return answer(Self.refused(program, words))
                }
                answer(.accepted(pid: ProcessControl.currentPID))
                upgrade = program
                // A moment for the answer to leave.
                loop.after(.milliseconds(20)) { [weak self] in self?.performUpgrade() }
            }
        } catch {
            loop.cancel(limit)
            let words = (error as? any DiagnosticConvertible)?.diagnostic.message ?? "\(error)"
            answer(Self.refused(program, words))
        }
    }

    private static let refusal = "supervisor/upgrade-refused"

    private static func refused(_ program: ProcessSpec, _ reason: String) -> ControlResponse.Body {
        .failure(
            code: refusal, message: "`\(program.executable)` cannot take over: \(reason)",
            hints: [
                "the running supervisor goes on; try `\(program.executable) --version` and `llm-router config check`"
            ])
    }

    private func handoverEntries() -> [Handover.Entry] {
        runners.values.map { runner in
            Handover.Entry(
                record: record(of: runner), spec: runner.spec, runningSpec: runner.runningSpec,
                isEnvironmentKnown: runner.isEnvironmentKnown, isReady: runner.hasBeenReady && runner.isReady)
        }
    }

    /// Becomes the program that was asked for; only a failure returns.
    func performUpgrade() {
        guard let program = upgrade else { return }
        upgrade = nil
        save()
        do {
            let state = try Handover.make(handoverEntries())
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
