// SPDX-License-Identifier: MIT

internal import RouterControl
internal import SystemIO

/// The processes of the machine as of this turn of the loop: read at most once a turn, and only when somebody asks.
final class ProcessTable {
    private let loop: DescriptorLoop
    private let stackMark: String
    private var cachedRecords: [ProcessRecord]?
    private var cachedOrphans: [ProcessRecord]?
    /// Where a hundred adopted services end together, each asks about the same orphans.
    private var cachedMarks: [Int32: ProcessMark?] = [:]
    private let isWatched: (Int32) -> Bool

    init(loop: DescriptorLoop, stackMark: String, isWatched: @escaping (Int32) -> Bool) {
        self.loop = loop
        self.stackMark = stackMark
        self.isWatched = isWatched
    }

    /// Every process that runs.
    func records() -> [ProcessRecord] {
        if let cachedRecords { return cachedRecords }
        let found = ProcessRecord.all().filter { !$0.hasEnded }
        cachedRecords = found
        forgetAtEndOfTurn()
        return found
    }

    /// Children of ours that nobody waits for: they came to us when their parents died.
    func orphans() -> [ProcessRecord] {
        if let cachedOrphans { return cachedOrphans }
        let own = ProcessControl.currentPID
        let found = orphans(of: own) ?? records().filter { $0.parent == own && !isWatched($0.pid) }
        cachedOrphans = found
        forgetAtEndOfTurn()
        return found
    }

    /// nil where the system does not list children.
    ///
    /// One that ends between the list and the look at it has left its own children to us after the list was made: as
    /// long as there is such a one, the list is made again.
    private func orphans(of own: Int32) -> [ProcessRecord]? {
        var found: [ProcessRecord] = []
        var seen: Set<Int32> = []
        var isComplete = false
        while !isComplete {
            guard let children = ProcessControl.children(of: own) else { return nil }
            isComplete = true
            for pid in children where !isWatched(pid) && seen.insert(pid).inserted {
                guard let record = ProcessRecord.read(pid: pid), !record.hasEnded else {
                    isComplete = false
                    continue
                }
                if record.parent == own { found.append(record) }
            }
        }
        return found
    }

    private func forgetAtEndOfTurn() {
        loop.atEndOfTurn { [weak self] in self?.invalidate() }
    }

    /// The next question reads anew.
    func invalidate() {
        cachedRecords = nil
        cachedOrphans = nil
        cachedMarks.removeAll(keepingCapacity: true)
    }

    /// What of a service's tree lives although its main process is gone.
    ///
    /// A session number is not given to a new process while a member of the session lives, so who has it belongs to the
    /// service, unless a new process leads it. Who left the session is an orphan now, and carries the mark.
    func leftovers(of main: LastMain, service: String) -> [ProcessIdentity] {
        let own = ProcessControl.currentPID
        let candidates = main.isChild ? orphans() : records()
        var found: [ProcessIdentity] = []
        for record in candidates where record.pid != main.pid && record.pid != own {
            let isOfSession = record.session == main.pid && !isRecycled(leader: main.pid, main.identity)
            let isOrphan = record.parent == own || record.parent == 1 || record.parent == main.reaper
            guard isOfSession || isOrphan && !isWatched(record.pid) && mark(of: record.pid)?.service == service else {
                continue
            }
            found.append(
                ProcessIdentity(
                    pid: record.pid, startTicks: record.startTicks, bootID: ProcessIdentity.currentBootID))
        }
        return found
    }

    private func isRecycled(leader pid: Int32, _ main: ProcessIdentity?) -> Bool {
        guard let main, let record = ProcessRecord.read(pid: pid) else { return false }
        return record.startTicks != main.startTicks
    }

    /// The processes below `pid`, itself first.
    func tree(of pid: Int32) -> [ProcessRecord] {
        Self.tree(of: pid, among: records())
    }

    static func tree(of pid: Int32, among records: [ProcessRecord]) -> [ProcessRecord] {
        var children: [Int32: [ProcessRecord]] = [:]
        var result: [ProcessRecord] = []
        for record in records {
            // One session is one service, also where a parent in between has died.
            if record.pid == pid || record.session == pid { result.append(record) }
            children[record.parent, default: []].append(record)
        }
        var seen = Set(result.map(\.pid))
        var open = result
        while let next = open.popLast() {
            for child in children[next.pid] ?? [] where seen.insert(child.pid).inserted {
                result.append(child)
                open.append(child)
            }
        }
        return result
    }

    /// The service and start that a process says it belongs to, when it is of this stack.
    func mark(of pid: Int32) -> ProcessMark? {
        if let known = cachedMarks[pid] { return known }
        let found = ProcessMark.read(pid: pid, stackMark: stackMark)
        if cachedMarks.isEmpty { forgetAtEndOfTurn() }
        cachedMarks[pid] = .some(found)
        return found
    }
}

/// What a process carries in its environment.
struct ProcessMark {
    let service: String
    let instance: Int
    /// All variables but the marks.
    let environment: [String]

    private static let limit = 4 << 20

    /// The environment that this process was started with.
    static func ownEnvironment() -> [String] {
        let bytes = (try? FileSystem.readStream("/proc/self/environ", limit: limit)) ?? []
        return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    /// While the kernel puts a new program in the place of the old one there is no environment to be seen for some
    /// microseconds, and the lock that the child held is gone already: a young process is looked at again.
    private static func environment(of pid: Int32) -> [UInt8]? {
        for _ in 0..<patience {
            guard let bytes = try? FileSystem.readStream("/proc/\(pid)/environ", limit: limit) else { return nil }
            guard bytes.isEmpty, isYoung(pid) else { return bytes }
            ProcessControl.pause(.milliseconds(1))
        }
        return nil
    }

    private static let patience = 20
    private static let kernelThreads: Int32 = 2

    private static func isYoung(_ pid: Int32) -> Bool {
        guard let record = ProcessRecord.read(pid: pid), !record.hasEnded, record.parent != kernelThreads else {
            return false
        }
        let identity = ProcessIdentity(
            pid: pid, startTicks: record.startTicks, bootID: ProcessIdentity.currentBootID)
        return identity.age < .seconds(1)
    }

    /// nil when the process is not of this stack, or has overwritten its environment.
    static func read(pid: Int32, stackMark: String) -> ProcessMark? {
        guard let bytes = environment(of: pid), !bytes.isEmpty else { return nil }
        var service: String?
        var instance: Int?
        var isOurs = false
        var rest: [String] = []
        for entry in bytes.split(separator: 0) {
            let text = String(decoding: entry, as: UTF8.self)
            let name = String(text.prefix { $0 != "=" })
            let value = String(text.dropFirst(name.count + 1))
            switch name {
            case ServiceMark.service: service = value
            case ServiceMark.stack: isOurs = value == stackMark
            case ServiceMark.instance: instance = Int(value)
            default: rest.append(text)
            }
        }
        guard isOurs, let service, let instance else { return nil }
        return ProcessMark(service: service, instance: instance, environment: rest)
    }
}
