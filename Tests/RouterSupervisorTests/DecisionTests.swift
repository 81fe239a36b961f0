// SPDX-License-Identifier: MIT

import Diagnostics
import RouterControl
import RouterServices
import RouterSupervisor
import SystemIO
import Testing

@Suite struct RestartBackoffTests {
    @Test func `grows to its maximum and begins anew after a stable run`() {
        var policy = RestartPolicy()
        policy.jitter = 0
        var backoff = RestartBackoff(policy: policy)
        let delays = (0..<12).map { _ in backoff.delay(after: .zero, random: 0) }
        #expect(delays.first == .zero)
        #expect(delays.last == .seconds(30))
        #expect(zip(delays, delays.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(backoff.delay(after: .seconds(10), random: 0) == .zero)
    }

    @Test(arguments: [0.0, 0.5, 0.999])
    func `only the random share differs`(random: Double) {
        var policy = RestartPolicy()
        policy.jitter = 0.2
        var backoff = RestartBackoff(policy: policy)
        _ = backoff.delay(after: .zero, random: random)
        let delay = backoff.delay(after: .zero, random: random)
        #expect(delay <= .milliseconds(100) && delay >= .milliseconds(80))
    }
}

@Suite struct CrashLoopWindowTests {
    @Test func `more exits than the limit within the window`() {
        var policy = RestartPolicy()
        policy.crashLoopLimit = 2
        policy.crashLoopWindow = .seconds(10)
        var window = CrashLoopWindow(policy: policy)
        let times = [0, 6, 11, 15, 16].map { MonotonicTime(nanoseconds: $0 * 1_000_000_000) }
        #expect(times.map { window.noteExit($0) } == [false, false, false, true, true])
    }

    @Test func `a limit of zero never gives up`() {
        var policy = RestartPolicy()
        policy.crashLoopLimit = 0
        var window = CrashLoopWindow(policy: policy)
        #expect((0..<1000).allSatisfy { _ in !window.noteExit(MonotonicTime(nanoseconds: 0)) })
    }
}

@Suite struct StartOrderTests {
    private func specs(_ graph: [(String, [String])]) -> [ServiceSpec] {
        graph.map { name, needed in
            var spec = ServiceSpec(
                name: name, command: ServiceCommand(executable: "/x", arguments: ["x"], directory: "/"),
                log: LogPolicy(path: "/x"))
            spec.dependencies = needed.map { ServiceDependency(service: $0, condition: .started) }
            return spec
        }
    }

    @Test func `each after what it depends on`() throws {
        let order = try StartOrder(specs([("a", ["b", "c"]), ("b", ["d"]), ("c", ["d"]), ("d", []), ("e", [])]))
        #expect(order.names == ["d", "b", "c", "a", "e"])
        #expect(order.closure(of: ["b"]) == ["d", "b"])
        #expect(order.depends("a", on: "d"))
        #expect(!order.depends("d", on: "a"))
    }

    @Test func `a circle is named`() {
        #expect(throws: StartOrder.Problem.cycle(["b", "c", "d"])) {
            try StartOrder(specs([("a", ["b"]), ("b", ["c"]), ("c", ["d"]), ("d", ["b"])]))
        }
        #expect(throws: StartOrder.Problem.cycle(["a"])) { try StartOrder(specs([("a", ["a"])])) }
        #expect(throws: StartOrder.Problem.unknownDependency(service: "a", dependency: "x")) {
            try StartOrder(specs([("a", ["x"])]))
        }
    }

    @Test func `a long chain needs no deep stack`() throws {
        let chain = (0..<5000).map { ("s\($0)", $0 == 0 ? [] : ["s\($0 - 1)"]) }
        #expect(try StartOrder(specs(chain.reversed())).names.first == "s0")
    }
}

@Suite struct ProbeScheduleTests {
    @Test func `asks soon at first, then every period, and counts only after the start period`() {
        var spec = ProbeSpec(target: .tcp(ListenAddress(host: "127.0.0.1", port: 1)))
        spec.startPeriod = .seconds(1)
        spec.startInterval = .milliseconds(40)
        spec.period = .seconds(5)
        spec.failureThreshold = 2
        let start = MonotonicTime(nanoseconds: 0)
        var schedule = ProbeSchedule(spec: spec, startedAt: start)
        var now = schedule.first(now: start)
        var delays: [Duration] = []
        for _ in 0..<4 {
            let next = schedule.record(isOK: false, now: now)
            delays.append(next - now)
            now = next
        }
        #expect(delays == [.milliseconds(10), .milliseconds(20), .milliseconds(40), .milliseconds(40)])
        #expect(schedule.verdict == .undecided)
        #expect(schedule.record(isOK: true, now: now) - now == .seconds(5))
        #expect(schedule.verdict == .passing)
        _ = schedule.record(isOK: false, now: now)
        #expect(schedule.verdict == .passing)
        _ = schedule.record(isOK: false, now: now)
        #expect(schedule.verdict == .failing)
        _ = schedule.record(isOK: true, now: now)
        #expect(schedule.verdict == .passing)
    }

    @Test func `without success the start period ends as failing`() {
        var spec = ProbeSpec(target: .exec(["x"]))
        spec.startPeriod = .seconds(1)
        spec.failureThreshold = 1
        var schedule = ProbeSchedule(spec: spec, startedAt: MonotonicTime(nanoseconds: 0))
        _ = schedule.record(isOK: false, now: MonotonicTime(nanoseconds: 999_999_999))
        #expect(schedule.verdict == .undecided)
        _ = schedule.record(isOK: false, now: MonotonicTime(nanoseconds: 1_000_000_000))
        #expect(schedule.verdict == .failing)
    }
}

@Suite struct HTTPAnswerParserTests {
    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", true),
        ("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n", 200, "abc", true),
        ("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", 503, "", true),
        ("HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, "until the end", false),
        ("HTTP/1.1 204 None\r\n\r\n", 204, "", true),
    ])
    func `reads an answer however it arrives`(text: String, status: Int, body: String, isComplete: Bool) {
        for step in [1, 3, 1000] {
            var parser = HTTPAnswerParser()
            var progress = HTTPAnswerParser.Progress.needsMore
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                progress = parser.append(Array(rest.prefix(step)))
                rest = rest.dropFirst(step)
            }
            #expect(parser.status == status)
            #expect((progress == .complete) == isComplete)
            #expect(parser.finish() == .complete)
            #expect(String(decoding: parser.body, as: UTF8.self) == body)
        }
    }

    @Test(arguments: [
        "SSH-2.0-OpenSSH\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    ])
    func `what is not HTTP is refused`(text: String) {
        var parser = HTTPAnswerParser()
        #expect(parser.append(Array(text.utf8)) == .malformed)
    }

    @Test func `an endless head and an endless body both end`() {
        var head = HTTPAnswerParser()
        #expect(head.append(Array(repeating: 65, count: 1 << 17)) == .malformed)
        var body = HTTPAnswerParser()
        _ = body.append(Array("HTTP/1.1 200 OK\r\n\r\n".utf8))
        #expect(body.append(Array(repeating: 65, count: 1 << 17)) == .complete)
    }

    @Test(arguments: 0..<300)
    func `random bytes never trap`(seed: UInt64) {
        var random = SplitMix(seed)
        var bytes = Array("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n".utf8)
        for _ in 0..<40 { bytes.append(UInt8(truncatingIfNeeded: random.next())) }
        for _ in 0..<Int(random.next() % 8) {
            bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
        }
        var parser = HTTPAnswerParser()
        _ = parser.append(bytes)
        _ = parser.finish()
        #expect(parser.body.count <= HTTPAnswerParser.limit)
    }
}

@Suite struct LogRotationTests {
    private static let policy: LogPolicy = {
        var policy = LogPolicy(path: "/x.log")
        policy.maximumBytes = 10 << 20
        return policy
    }()

    private let rotation = LogRotation(policy: policy, blockBytes: 4096)

    @Test func `cuts one file's worth of whole blocks and never all of the file`() {
        #expect(rotation.decide(size: 10 << 20, dataStart: 0, bytesPerSecond: 0) == .leave)
        let start = 8192
        for more in [1, 5000, 2 << 20, 30 << 20] {
            let size = start + (10 << 20) + more
            #expect(
                rotation.decide(size: size, dataStart: start, bytesPerSecond: 0) == .archive(upTo: start + (10 << 20)))
        }
    }

    @Test func `a flood is bounded without copying`() {
        let fast = 300e6
        #expect(rotation.decide(size: 30 << 20, dataStart: 0, bytesPerSecond: fast) == .leave)
        #expect(rotation.decide(size: 35 << 20, dataStart: 0, bytesPerSecond: fast) == .punch(upTo: 20 << 20))
        #expect(rotation.decide(size: 35 << 20, dataStart: 20 << 20, bytesPerSecond: fast) == .leave)
        let late = LogRotation.holeLimit + 4096
        #expect(rotation.decide(size: late + (35 << 20), dataStart: late, bytesPerSecond: fast) == .empty)
        #expect(!rotation.isOvertaken(held: 11 << 20))
        #expect(rotation.isOvertaken(held: 30 << 20))
    }

    @Test(arguments: [0, 1, 5, 100], [4 << 10, 1 << 20, 10 << 20])
    func `looking when it says, a flood of 300 MB a second stays within its room`(kept: Int, maximum: Int) {
        var policy = Self.policy
        policy.keptFiles = kept
        policy.maximumBytes = maximum
        let rotation = LogRotation(policy: policy, blockBytes: 4096)
        let rate = 300e6
        var (size, start, most) = (0, 0, 0)
        for _ in 0..<1000 {
            let pause = rotation.pause(size: size, dataStart: start, bytesPerSecond: rate)
            size += Int(pause.seconds * rate)
            most = max(most, size - start + rotation.archiveBytes(besides: size - start))
            if case .punch(let end) = rotation.decide(size: size, dataStart: start, bytesPerSecond: rate) {
                start = end
            }
        }
        // What comes in during the shortest pause may be more than a small log's room.
        #expect(most <= max(rotation.room, maximum + Int(rate * 0.006)))
    }

    @Test func `keeps as many old files as it should, and no more bytes`() {
        let files = (1...8).map { LogArchive(end: $0 * 100, isHole: false) }
        let small = rotation.obsolete(files, sizes: Array(repeating: 1000, count: 8))
        #expect(Set(small.map(\.end)) == [100, 200, 300])
        let large = rotation.obsolete(files, sizes: Array(repeating: 20 << 20, count: 8))
        #expect(large.count == 6)
        // One more is coming: its bytes are needed twice while they are copied.
        let sizes = Array(repeating: 10 << 20, count: 5)
        #expect(rotation.obsolete(Array(files.prefix(5)), sizes: sizes, incoming: 10 << 20).map(\.end) == [100])
    }

    @Test func `names of old files come back as they went`() {
        for archive in [LogArchive(end: 12, isHole: false), LogArchive(end: 7, isHole: true, suffix: ".gz")] {
            #expect(LogArchive(suffixOfName: archive.name[...]) == archive)
        }
        for wrong in ["", "x", "1.partial", "1x", "p", ".gz"] { #expect(LogArchive(suffixOfName: wrong[...]) == nil) }
        let names = ["a.log", "a.log.20", "a.log.100.gz", "a.log.30p", "b.log.5", "a.log.40.partial"]
        let archives = LogArchive.all(of: "a.log", among: names)
        #expect(archives.map(\.end) == [20, 30, 100])
        #expect(LogArchive.base(archives) == 100)
    }
}

@Suite struct ReloadPlanTests {
    private func spec(_ name: String, _ change: (inout ServiceSpec) -> Void = { _ in }) -> ServiceSpec {
        var spec = ServiceSpec(
            name: name,
            command: ServiceCommand(
                executable: "/x", arguments: ["x"], directory: "/", environment: Secret(["A=1", "B=planted"])),
            log: LogPolicy(path: "/x.log"))
        change(&spec)
        return spec
    }

    @Test func `says exactly what changes and never a value`() {
        let old = ["same", "env", "policy", "gone", "order"].map { spec($0) }
        let new = [
            spec("same"), spec("env") { $0.command.environment = Secret(["A=1", "B=secret2", "C=3"]) },
            spec("policy") { $0.stop.timeout = .seconds(1) }, spec("new"),
            spec("order") { $0.command.environment = Secret(["B=planted", "A=1"]) },
        ]
        let plan = ReloadPlan.make(current: old.map { ReloadPlan.Current(spec: $0, running: $0) }, new: new)
        #expect(
            plan == [
                PlannedChange(service: "same", action: .keep),
                PlannedChange(service: "env", action: .restart, reasons: ["env.B", "env.C"]),
                PlannedChange(service: "policy", action: .update, reasons: ["stop"]),
                PlannedChange(service: "new", action: .start, reasons: ["new"]),
                PlannedChange(service: "order", action: .keep),
                PlannedChange(service: "gone", action: .remove, reasons: ["not in the config"]),
            ])
    }

    @Test func `a stopped service takes a new command without a restart`() {
        let plan = ReloadPlan.make(
            current: [ReloadPlan.Current(spec: spec("a"), running: nil)],
            new: [spec("a") { $0.command.arguments = ["x", "y"] }])
        #expect(plan.map(\.action) == [.update])
    }
}
