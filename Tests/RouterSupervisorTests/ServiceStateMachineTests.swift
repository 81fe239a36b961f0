// SPDX-License-Identifier: MIT

import RouterServices
import RouterSupervisor
import SystemIO
import Testing

@Suite struct ServiceStateMachineTests {
    typealias Machine = ServiceStateMachine

    static let now = MonotonicTime(nanoseconds: 1_000_000_000_000)

    static let events: [Machine.Event] = [
        .start, .stop, .restart, .dependencies(met: true), .dependencies(met: false), .spawned,
        .spawnFailed("no", isTransient: true), .spawnFailed("no", isTransient: false), .adopted(isReady: false),
        .adopted(isReady: true), .exited(.code(0), uptime: .seconds(1), hasLeftovers: false),
        .exited(.code(1), uptime: .seconds(1), hasLeftovers: false),
        .exited(.signal(9, dumpedCore: false), uptime: .seconds(100), hasLeftovers: true), .treeEmpty,
        .readiness(true), .readiness(false), .livenessFailed, .deadline,
    ]

    /// A way into every kind of state.
    static let paths: [(name: String, events: [Machine.Event])] = [
        ("stopped", []), ("waiting", [.dependencies(met: false), .start]), ("starting", [.start]),
        ("running", [.start, .spawned]), ("ready", [.start, .spawned, .readiness(true)]),
        ("asked", [.start, .spawned, .stop]), ("asked to restart", [.start, .spawned, .restart]),
        ("killed", [.start, .spawned, .stop, .deadline]),
        (
            "clearing",
            [.start, .spawned, .stop, .exited(.code(0), uptime: .seconds(1), hasLeftovers: true)]
        ),
        (
            "clearing before a restart",
            [.start, .spawned, .exited(.code(0), uptime: .seconds(1), hasLeftovers: true)]
        ),
        ("backoff", [.start, .spawnFailed("no", isTransient: true)]),
        ("fatal", [.start] + Array(repeatElement(.spawnFailed("no", isTransient: false), count: 1))),
    ]

    static func machine(_ mode: RestartPolicy.Mode = .always, _ path: [Machine.Event] = []) -> Machine {
        var policy = RestartPolicy()
        policy.mode = mode
        policy.jitter = 0
        var machine = Machine(restart: policy, stop: StopPolicy())
        for event in path { _ = machine.handle(event, now: now, random: 0) }
        return machine
    }

    /// What drives the machine in a test: it obeys every effect, as the runner does.
    struct World {
        var hasProcess = false
        var hasLeftovers = false
        var deadline: MonotonicTime?
        var probing = false
        var spawns = 0
    }

    @Test(arguments: RestartPolicy.Mode.allCases)
    func `no event in no state spawns a second process or forgets one`(mode: RestartPolicy.Mode) {
        for path in Self.paths {
            for event in Self.events {
                var machine = Self.machine(mode, path.events)
                let before = machine.state
                let effects = machine.handle(event, now: Self.now, random: 0.5)
                if effects.contains(.spawn) {
                    #expect(machine.state == .starting, "\(path.name) + \(event)")
                    #expect(!Self.hasProcess(before) || event.isEnd, "\(path.name) + \(event) from \(before)")
                }
                if Self.hasProcess(before), !event.isEnd, event != .deadline {
                    #expect(Self.hasProcess(machine.state), "\(path.name) + \(event): \(machine.state)")
                }
                #expect(effects.filter { $0 == .spawn }.count <= 1)
            }
        }
    }

    private static func hasProcess(_ state: Machine.State) -> Bool {
        switch state {
        case .running, .stopping: true
        case .stopped, .waiting, .starting, .backoff, .fatal: false
        }
    }

    @Test func `the first restart is at once and the next ones wait ever longer`() {
        var machine = Self.machine(.always, [.start, .spawned])
        var delays: [Duration] = []
        for _ in 0..<5 {
            let effects = machine.handle(
                .exited(.code(1), uptime: .milliseconds(1), hasLeftovers: false), now: Self.now, random: 0)
            if case .backoff(let until, _) = machine.state {
                delays.append(until - Self.now)
                #expect(effects.contains(.setDeadline(until)))
                _ = machine.handle(.deadline, now: until, random: 0)
            } else {
                delays.append(.zero)
                #expect(effects.contains(.spawn))
            }
            _ = machine.handle(.spawned, now: Self.now, random: 0)
        }
        #expect(delays == [.zero, .milliseconds(100), .milliseconds(200), .milliseconds(400), .milliseconds(800)])
    }

    @Test func `a crash loop ends as fatal and a start clears it`() {
        var machine = Self.machine(.always, [.start, .spawned])
        var exits = 0
        while true {
            exits += 1
            _ = machine.handle(.exited(.code(1), uptime: .zero, hasLeftovers: false), now: Self.now, random: 0)
            if case .fatal(.crashLoop(let count, .code(1))) = machine.state {
                #expect(count == 11)
                break
            }
            _ = machine.handle(.deadline, now: Self.now, random: 0)
            _ = machine.handle(.spawned, now: Self.now, random: 0)
            guard exits < 100 else { break }
        }
        #expect(exits == 11)
        #expect(machine.handle(.start, now: Self.now, random: 0) == [.spawn])
    }

    @Test(arguments: [
        (RestartPolicy.Mode.always, SystemIO.ExitStatus.code(0), true), (.always, .code(1), true),
        (.onFailure, .code(0), false),
        (.onFailure, .code(1), true), (.onFailure, .unknown, true),
        (.onFailure, .signal(9, dumpedCore: false), true), (.never, .code(0), false), (.never, .code(1), false),
    ])
    func `the policy decides what follows an exit`(
        mode: RestartPolicy.Mode, status: SystemIO.ExitStatus, restarts: Bool
    ) {
        var machine = Self.machine(mode, [.start, .spawned])
        let effects = machine.handle(
            .exited(status, uptime: .seconds(1), hasLeftovers: false), now: Self.now, random: 0)
        #expect(effects.contains(.spawn) == restarts)
        #expect(effects.contains(.rest) == !restarts)
    }

    @Test func `a stop escalates and ends only when the tree is empty`() {
        var machine = Self.machine(.always, [.start, .spawned])
        #expect(
            machine.handle(.stop, now: Self.now, random: 0) == [
                .stopProbes, .askToStop, .setDeadline(Self.now + .seconds(10)),
            ])
        #expect(machine.handle(.deadline, now: Self.now, random: 0).first == .killTree)
        let left = machine.handle(
            .exited(.signal(9, dumpedCore: false), uptime: .seconds(1), hasLeftovers: true), now: Self.now, random: 0)
        #expect(left.first == .killTree)
        #expect(machine.handle(.deadline, now: Self.now, random: 0).first == .killTree)
        #expect(
            machine.handle(.treeEmpty, now: Self.now, random: 0) == [
                .clearDeadline, .report(.stopped(afterKill: true)),
            ])
        #expect(machine.state == .stopped)
    }

    @Test(arguments: 0..<200)
    func `a random walk keeps its promises`(seed: UInt64) {
        var random = SplitMix(seed)
        var machine = Self.machine(RestartPolicy.Mode.allCases[Int(seed % 3)])
        var world = World()
        var now = Self.now
        for step in 0..<400 {
            now = now + .milliseconds(Int64(random.next() % 2000))
            guard let event = Self.possible(world, now, &random) else { continue }
            switch event {
            case .exited(_, _, let left):
                world.hasProcess = false
                world.hasLeftovers = left
            case .treeEmpty: world.hasLeftovers = false
            case .deadline: world.deadline = nil
            default: break
            }
            var effects = machine.handle(event, now: now, random: random.unit())
            while !effects.isEmpty {
                let effect = effects.removeFirst()
                switch effect {
                case .spawn:
                    #expect(!world.hasProcess && !world.hasLeftovers, "seed \(seed) step \(step): second process")
                    let fails = random.next() % 5 == 0
                    world.hasProcess = !fails
                    world.spawns += 1
                    effects += machine.handle(
                        fails ? .spawnFailed("no", isTransient: random.next() % 2 == 0) : .spawned, now: now,
                        random: random.unit())
                case .setDeadline(let time): world.deadline = time
                case .clearDeadline: world.deadline = nil
                case .startProbes: world.probing = true
                case .stopProbes: world.probing = false
                case .askToStop, .killTree, .rest, .report: break
                }
            }
            Self.check(machine.state, world, "seed \(seed) step \(step) after \(event)")
        }
        #expect(world.spawns > 0)
    }

    private static func check(_ state: Machine.State, _ world: World, _ where: String) {
        switch state {
        case .stopped, .waiting, .fatal:
            #expect(!world.hasProcess && !world.hasLeftovers && world.deadline == nil, "\(`where`): \(state)")
            #expect(!world.probing, "\(`where`): \(state)")
        case .starting: Issue.record("\(`where`): starting is never left standing")
        case .running: #expect(world.hasProcess && world.probing && world.deadline == nil, "\(`where`): \(state)")
        case .stopping:
            #expect(world.hasProcess || world.hasLeftovers, "\(`where`): \(state)")
            #expect(!world.probing && world.deadline != nil, "\(`where`): \(state)")
        case .backoff(let until, _):
            #expect(!world.hasProcess && world.deadline == until, "\(`where`): \(state)")
        }
    }

    /// What can happen in `world`.
    private static func possible(_ world: World, _ now: MonotonicTime, _ random: inout SplitMix) -> Machine.Event? {
        let status: [SystemIO.ExitStatus] = [.code(0), .code(1), .signal(9, dumpedCore: false), .unknown]
        switch random.next() % 12 {
        case 0: return .start
        case 1: return .stop
        case 2: return .restart
        case 3: return .dependencies(met: random.next() % 4 != 0)
        case 4 where world.hasProcess: return .readiness(random.next() % 2 == 0)
        case 5 where world.hasProcess && world.probing: return .livenessFailed
        case 6...8 where world.hasProcess:
            return .exited(
                status[Int(random.next() % 4)], uptime: .milliseconds(Int64(random.next() % 20000)),
                hasLeftovers: random.next() % 4 == 0)
        case 6...8 where world.hasLeftovers: return .treeEmpty
        default:
            guard let deadline = world.deadline, deadline <= now else { return nil }
            return .deadline
        }
    }
}

extension ServiceStateMachine.Event {
    /// After which no process of the service is left.
    fileprivate var isEnd: Bool {
        switch self {
        case .exited(_, _, let left): !left
        case .treeEmpty: true
        case .start, .stop, .restart, .dependencies, .spawned, .spawnFailed, .adopted, .readiness, .livenessFailed,
            .deadline:
            false
        }
    }
}

/// A small generator whose walk is the same for the same seed.
struct SplitMix {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed &* 0x9E37_79B9_7F4A_7C15 &+ 1
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// From 0 up to 1.
    mutating func unit() -> Double { Double(next() >> 11) / Double(1 << 53) }
}
