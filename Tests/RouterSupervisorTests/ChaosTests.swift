// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterControl
import RouterEvents
import RouterServices
import RouterSupervisor
import SystemIO
import Testing

/// Everything at once, from a seed, for as long as `LLM_ROUTER_CHAOS_SECONDS` says; after each quiet point all is true.
@Suite struct ChaosTests {
    private static let names = ["base", "middle", "top", "lonely", "forking", "frail"]

    /// What should be.
    private struct Wanted {
        var running: Set<String> = []
        var variant: [String: Int] = [:]
        /// Whether something was done in this round after which an exit may go untold: it was in the killed supervisor's
        /// memory only.
        var mayForget = false
    }

    /// Where the events of a round begin, and how often each service had been started by then.
    private struct Mark {
        var offset = 0
        var starts: [String: Int] = [:]
    }

    private func specs(_ stack: Stack, _ wanted: Wanted) -> [ServiceSpec] {
        Self.names.map { name in
            stack.spec(name, name == "forking" ? ["--grandchild-session"] : []) {
                $0.restart.initialDelay = .milliseconds(5)
                $0.restart.maximumDelay = .milliseconds(20)
                $0.restart.crashLoopLimit = 0
                $0.stop.timeout = .milliseconds(1500)
                $0.command.environment = Secret(["VARIANT=\(wanted.variant[name] ?? 0)"])
                let below = ["middle": "base", "top": "middle"][name]
                $0.dependencies = below.map { [ServiceDependency(service: $0, condition: .started)] } ?? []
                guard name == "frail" else { return }
                var probe = ProbeSpec(target: .exec(["/usr/bin/test", "!", "-e", sick(stack)]))
                (probe.period, probe.startPeriod, probe.failureThreshold) = (.milliseconds(40), .zero, 2)
                $0.liveness = probe
            }
        }
    }

    /// While this file is there, the liveness probe of one service fails.
    private func sick(_ stack: Stack) -> String { stack.folder + "/sick" }

    @Test func `after every quiet point the wanted state is the real one`() throws {
        let seconds = Environment.number("LLM_ROUTER_CHAOS_SECONDS") ?? 60
        let seed = UInt64(Environment.number("LLM_ROUTER_CHAOS_SEED") ?? 1)
        var random = SplitMix(seed)
        let disk = try SmallDisk("64m")
        let stack = try Stack(on: disk)
        var wanted = Wanted()
        var mark = Mark()
        let deadline = MonotonicTime.now() + .seconds(seconds)
        var rounds = 0
        var largestDescriptorCount = 0
        while MonotonicTime.now() < deadline {
            wanted.mayForget = false
            for _ in 0..<(2 + random.next() % 6) { try disturb(stack, disk, &wanted, &random) }
            try disk?.makeRoom()
            try FileSystem.remove(sick(stack))
            // The last command of a round starts all that is wanted, and with it what that depends on.
            if wanted.running.contains("top") { wanted.running.insert("middle") }
            if wanted.running.contains("middle") { wanted.running.insert("base") }
            let context = "seed \(seed) round \(rounds) wanted \(wanted.running.sorted())"
            try settle(stack, wanted, context)
            try expectAllExitsTold(stack, &mark, wanted, context)
            if let pid = stack.supervisorPID {
                largestDescriptorCount = max(largestDescriptorCount, FileSystem.count("/proc/\(pid)/fd") ?? 0)
            }
            rounds += 1
        }
        #expect(rounds > 2)
        #expect(largestDescriptorCount < 40)
        try stack.ask { (client) throws(ControlError) in _ = try client.stop([], timeout: .seconds(20)) }
        #expect(stack.livePIDs().isEmpty)
    }

    private func disturb(_ stack: Stack, _ disk: SmallDisk?, _ wanted: inout Wanted, _ random: inout SplitMix) throws {
        let name = Self.names[Int(random.next() % UInt64(Self.names.count))]
        let all = specs(stack, wanted)
        switch random.next() % 12 {
        case 0, 1:
            let closure = ["middle": ["base"], "top": ["base", "middle"]][name] ?? []
            wanted.running.formUnion(closure + [name])
            try stack.ask { (client) throws(ControlError) in
                _ = try client.start([name], specs: all, wait: .started, timeout: .seconds(10))
            }
        case 2:
            wanted.running.remove(name)
            try stack.ask { (client) throws(ControlError) in _ = try client.stop([name], timeout: .seconds(20)) }
        case 3:
            // What it needs is started with it.
            wanted.running.formUnion((["middle": ["base"], "top": ["base", "middle"]][name] ?? []) + [name])
            try stack.ask { (client) throws(ControlError) in
                _ = try client.restart([name], specs: all, wait: .started, timeout: .seconds(20))
            }
        case 4:
            guard !wanted.running.isEmpty else { return }
            wanted.variant[name, default: 0] += 1
            let changed = specs(stack, wanted)
            // A service that nobody has asked for yet is new to a reload, which starts it.
            var known: Set<String> = []
            try stack.ask { (client) throws(ControlError) in known = Set(try client.status().services.map(\.name)) }
            wanted.running.formUnion(Set(Self.names).subtracting(known))
            try stack.ask { (client) throws(ControlError) in
                _ = try client.apply(changed, dryRun: false, timeout: .seconds(30))
            }
        case 5, 6:
            wanted.mayForget = true
            if let pid = stack.supervisorPID { ProcessControl.send(SignalNumber.kill, to: pid) }
        case 7: _ = try? AtomicFile.create([], at: sick(stack), mode: 0o600)
        case 8: try disk?.fill()
        default:
            let pids = stack.livePIDs()
            guard !pids.isEmpty else { return }
            let victim = pids[Int(random.next() % UInt64(pids.count))]
            ProcessControl.send(random.next() % 4 == 0 ? SignalNumber.terminate : SignalNumber.kill, to: victim)
        }
    }

    /// Waits until nothing moves any more, which must come, and looks at everything.
    private func settle(_ stack: Stack, _ wanted: Wanted, _ context: String) throws {
        let all = specs(stack, wanted)
        // What died without a supervisor has lost its variables; the next command brings them.
        if !wanted.running.isEmpty {
            try stack.ask { (client) throws(ControlError) in
                _ = try client.start(
                    wanted.running.sorted(), specs: all, wait: .alive(.milliseconds(30)), timeout: .seconds(20))
            }
        }
        var last = ""
        let isTrue = {
            last = try self.falsehood(stack, wanted) ?? ""
            return last.isEmpty
        }
        do {
            try expectSoon("\(context)", within: .seconds(20), isTrue)
        } catch {
            Issue.record("\(context): \(last)")
            throw error
        }
    }

    /// Every process that was started since `mark` and does not run any more has an event of its exit.
    private func expectAllExitsTold(_ stack: Stack, _ mark: inout Mark, _ wanted: Wanted, _ context: String) throws {
        let store = RecordStore(layout: stack.layout)
        let before = mark
        var ends: [String: Int] = [:]
        for name in Self.names {
            guard let record = store.read(service: name) else { continue }
            let isRunning = record.identity != nil
            ends[name] = record.instance - (isRunning ? 1 : 0)
        }
        let log = try FileSystem.read(stack.layout.eventsPath, limit: 64 << 20)
        mark = Mark(offset: log.count, starts: ends)
        // After 10 MiB a new file begins.
        guard !wanted.mayForget, log.count >= before.offset else { return }
        let lines = log[before.offset...].split(separator: UInt8(ascii: "\n"))
        let events = lines.compactMap { try? JSONParser.parse(Array($0)) }
        for (name, count) in ends {
            let told = events.count {
                $0["event"]?.stringValue == Event.Name.serviceExit.rawValue && $0["service"]?.stringValue == name
            }
            #expect(told == count - (before.starts[name] ?? 0), "\(context): exits of \(name)")
        }
    }

    /// What is not as it should be; nil when all is.
    private func falsehood(_ stack: Stack, _ wanted: Wanted) throws -> String? {
        guard var client = try? stack.connect(), let status = try? client.status() else { return "no supervisor" }
        for service in status.services {
            let isWanted = wanted.running.contains(service.name)
            if isWanted != (service.phase == .running) { return "\(service.name) is \(service.phase)" }
            if isWanted != (service.wanted == .running) { return "\(service.name) is wanted \(service.wanted)" }
            let mains = stack.livePIDs(of: service.name).filter { ProcessRecord.read(pid: $0)?.session == $0 }
            let expected = isWanted ? (service.name == "forking" ? 2 : 1) : 0
            if mains.count > expected { return "\(service.name) has \(mains) instead of \(expected)" }
            guard isWanted, let pid = service.pid else { continue }
            if !mains.contains(pid) { return "\(service.name): \(pid) is not among \(mains)" }
            let file = (try? FileSystem.read(stack.layout.pidPath(service.name), limit: 100)) ?? []
            if file != Array("\(pid)".utf8) {
                return "pid file of \(service.name) says \(String(decoding: file, as: UTF8.self))"
            }
        }
        if let missing = wanted.running.first(where: { name in !status.services.contains { $0.name == name } }) {
            return "\(missing) is not known"
        }
        let zombies = ProcessRecord.all().filter { $0.state == "Z" && $0.parent == status.pid }
        return zombies.isEmpty ? nil : "zombies \(zombies.map(\.pid))"
    }
}
