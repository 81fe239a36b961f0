// SPDX-License-Identifier: MIT

import GatewayHTTP
import JSONSyntax
import LLMRouting
import NIOPosix
import Synchronization
import SystemIO
import TestSupport
import Testing

/// What was spent, in the database.
@Suite struct SQLiteLedgerTests {
    private static func entry(
        _ amount: Int64, at seconds: Int64 = 10, start: Int64 = 10, window: Duration? = nil, user: String = "ann"
    ) -> LedgerEntry {
        let money = Money(picodollars: amount)
        return LedgerEntry(
            amount: money, at: CalendarTime(secondsSince1970: seconds),
            balances: [
                AccountBalance(
                    scope: .user(user), spent: money, windowStart: CalendarTime(secondsSince1970: start),
                    window: window)
            ])
    }

    private static func keep(_ entries: [LedgerEntry], in store: SQLiteLedger) async {
        await withTaskGroup(of: Void.self) { group in
            for entry in entries {
                group.addTask { await withCheckedContinuation { done in store.append(entry) { done.resume() } } }
            }
        }
    }

    private static func spent(_ store: SQLiteLedger) throws -> [String: Int64] {
        Dictionary(try store.balances().map { ("\($0.scope)", $0.spent.picodollars) }, uniquingKeysWith: +)
    }

    @Test func `two processes that write at the same time lose nothing of each other`() async throws {
        let folder = try ScratchFolder()
        let threads = NIOThreadPool(numberOfThreads: 2)
        threads.start()
        let stores = try (0..<2).map { _ in try SQLiteLedger(path: folder.path("b.sqlite"), threads: threads) }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, store) in stores.enumerated() {
                group.addTask {
                    // Both began the window by themselves, at different moments.
                    await Self.keep((0..<500).map { _ in Self.entry(3, start: Int64(10 + index)) }, in: store)
                }
            }
            try await group.waitForAll()
        }
        #expect(try Self.spent(stores[0]) == ["user ann": 3000])
        #expect(stores.map(\.failureCount) == [0, 0])
        try await threads.shutdownGracefully()
    }

    @Test func `what a leaving process spends is told apart, and forgotten after its end`() async throws {
        let folder = try ScratchFolder()
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        let old = try SQLiteLedger(path: folder.path("b.sqlite"), threads: threads)
        await Self.keep([Self.entry(5)], in: old)
        let process = ProcessIdentity(pid: 7, startTicks: 8, bootID: "b oot")
        let ann = BudgetScope.user("ann")
        try old.leave(as: process, holding: [ann: Money(picodollars: 9)])
        await Self.keep([Self.entry(2)], in: old)
        let successor = try SQLiteLedger(path: folder.path("b.sqlite"), threads: threads)
        let opening = try successor.opening { _ in true }
        #expect(opening.balances.map(\.spent.picodollars) == [7])
        #expect(opening.leavers.map(\.process) == [process])
        #expect(opening.leavers.first?.held == [ann: Money(picodollars: 9)])
        #expect(opening.leavers.first?.spent == [ann: Money(picodollars: 2)])
        await Self.keep([Self.entry(4)], in: old)
        await Self.keep([Self.entry(1)], in: successor)
        #expect(try successor.leaver(process)?.spent == [ann: Money(picodollars: 6)])
        #expect(try Self.spent(successor) == ["user ann": 12])
        #expect(try successor.opening { _ in false }.leavers.isEmpty)
        try await threads.shutdownGracefully()
    }

    @Test func `a window that is over begins anew, a late amount of it is kept`() async throws {
        let folder = try ScratchFolder()
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        let store = try SQLiteLedger(path: folder.path("b.sqlite"), threads: threads)
        let window = Duration.seconds(100)
        for (start, expected) in [(10, 5), (60, 10), (110, 5), (10, 10), (210, 5)] as [(Int64, Int64)] {
            await Self.keep([Self.entry(5, start: start, window: window)], in: store)
            #expect(try Self.spent(store) == ["user ann": expected], "after the window that began at \(start)")
        }
        await Self.keep(
            [Self.entry(1, start: 10_000, user: "ever"), Self.entry(1, start: 99_000, user: "ever")], in: store)
        #expect(try Self.spent(store)["user ever"] == 2, "without a window nothing begins anew")
        try await threads.shutdownGracefully()
    }

    @Test func `what a locked database refused is written with the next amount`() async throws {
        let folder = try ScratchFolder()
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        let path = folder.path("b.sqlite")
        let store = try SQLiteLedger(path: path, threads: threads)
        await Self.keep([Self.entry(7)], in: store)
        let locker = try Program(
            "/usr/bin/python3",
            [
                "-c",
                "import sqlite3,sys,time\nc=sqlite3.connect(sys.argv[1],isolation_level=None)\nc.execute('BEGIN EXCLUSIVE')\n"
                    + "print('locked',flush=True)\ntime.sleep(1000)", path,
            ]
        ).start()
        #expect(waitUntil(.seconds(20)) { locker.output.contains("locked") ? true : nil } == true)
        await Self.keep([Self.entry(8)], in: store)
        #expect(store.failureCount == 1, "the answer is given all the same")
        try locker.kill9()
        await Self.keep([Self.entry(9)], in: store)
        #expect(try Self.spent(store) == ["user ann": 24])
        try await threads.shutdownGracefully()
    }
}

/// The real gateway, killed under load again and again: what clients saw as answered is in the ledger.
@Suite struct LedgerKillTests {
    private static let users = 4
    private static let connections = 8
    private static let kills = 100

    /// What the clients of one round saw, by user.
    private final class Seen: Sendable {
        private let amounts = Mutex([String: Int64]())
        private let most = Mutex(Int64(0))
        private let count = Atomic(0)

        var total: [String: Int64] { amounts.withLock { $0 } }
        var answers: Int { count.load(ordering: .relaxed) }

        /// The dearest answer.
        var largest: Int64 { most.withLock { $0 } }

        func add(_ amount: Int64, _ user: String) {
            most.withLock { $0 = max($0, amount) }
            amounts.withLock { $0[user, default: 0] += amount }
            count.add(1, ordering: .relaxed)
        }
    }

    private static func picodollars(_ answer: RawAnswer) -> Int64? {
        guard answer.status == 200, answer.isWhole else { return nil }
        if let text = answer.header("x-llm-router-cost") { return Money(text)?.picodollars }
        guard answer.events.last == "[DONE]",
            let usage = answer.events.dropLast().reversed().lazy.compactMap({ try? StreamUsage.read($0) }).first
        else { return nil }
        return Int64(usage.input) * 1_000_000 + Int64(usage.output) * 2_000_000
    }

    /// Asks over one connection until it breaks.
    private static func client(_ number: Int, port: Int, _ seen: Seen) {
        guard let connection = try? RawConnection(port: port) else { return }
        let user = "user\(number % users)"
        var isStreaming = number % 2 == 0
        while true {
            let options = isStreaming ? #","stream":true,"stream_options":{"include_usage":true}"# : ""
            let body = #"{"model":"main","user":"\#(user)","messages":[{"role":"user","content":"hello"}]\#(options)}"#
            let request = RawClient.request("POST", "/v1/chat/completions", body)
            guard (try? connection.send(request)) != nil, let answer = try? connection.receive(),
                let amount = picodollars(answer)
            else { return }
            seen.add(amount, user)
            isStreaming.toggle()
        }
    }

    @Test func `a kill loses no settled amount and invents none`() async throws {
        let folder = try ScratchFolder()
        try folder.write(
            "litellm.yaml",
            """
            model_list:
              - model_name: main
                litellm_params: {model: "mock/echo?chunks=3"}
                model_info: {input_cost_per_token: 0.000001, output_cost_per_token: 0.000002}
            """)
        try folder.write(
            "litellm.gateway.json",
            #"{"schema":1,"gateway":{"budgets":{"users":{"default":"1000000.00","window":"30d"},"#
                + #""providers":{"mock":"1000000.00"}}}}"#)
        let threads = NIOThreadPool(numberOfThreads: 1)
        threads.start()
        var before: [String: Int64] = [:]
        var random = SystemRandomNumberGenerator()
        var answers = 0
        for round in 0..<Self.kills {
            let seen = try await Self.round(folder, answers: Int.random(in: 1...200, using: &random))
            let store = try SQLiteLedger(path: folder.path("budgets.sqlite"), threads: threads)
            let after = Dictionary(
                try store.balances().map { ("\($0.scope)", $0.spent.picodollars) }, uniquingKeysWith: +)
            var total: Int64 = 0
            for user in (0..<Self.users).map({ "user\($0)" }) {
                let settled = (after["user \(user)"] ?? 0) - (before["user \(user)"] ?? 0)
                let known = seen.total[user] ?? 0
                // Each connection of the user may have had one request on its way.
                let most = known + Int64(Self.connections / Self.users) * seen.largest
                #expect(settled >= known, "round \(round): \(user) was answered and not booked")
                #expect(settled <= most, "round \(round): \(user) was booked and not asked for")
                total += after["user \(user)"] ?? 0
            }
            #expect(total == after["provider mock"], "round \(round): an entry is booked whole or not at all")
            before = after
            answers += seen.answers
        }
        #expect(answers > Self.kills * 2, "there was load: \(answers) answers")
        try await threads.shutdownGracefully()
    }

    private static func round(_ folder: ScratchFolder, answers: Int) async throws -> Seen {
        let port = try FreePort.find()
        let gateway = try Program.built(
            "llm-router-gateway",
            ["serve", "--config", folder.path("litellm.yaml"), "--port", "\(port)", "--threads", "2"]
        ).start()
        try #require(
            waitUntil(.seconds(30)) { (try? RawConnection(port: port)) == nil ? nil : true } == true,
            "\(gateway.errors)")
        let seen = Seen()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<connections {
                group.addTask { try await RawClient.onThread { client(number, port: port, seen) } }
            }
            group.addTask {
                _ = try await RawClient.onThread {
                    waitUntil(.seconds(30)) { seen.answers >= answers ? true : nil }
                }
                try gateway.kill9()
            }
            try await group.waitForAll()
        }
        return seen
    }
}

/// Reads usage out of a stream's event.
private enum StreamUsage {
    static func read(_ event: String) throws -> (input: Int, output: Int)? {
        let value = try JSONParser.parse(event)
        guard let usage = value["usage"], let input = usage["prompt_tokens"]?.integerValue,
            let output = usage["completion_tokens"]?.integerValue
        else { return nil }
        return (input, output)
    }
}
