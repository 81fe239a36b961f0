// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterAuth
import SystemIO
import Testing

/// The login's decisions, without a server.
@Suite struct LoginMachineTests {
    private static let start = MonotonicTime(nanoseconds: 1_000_000_000_000)
    private static let ticket = LoginTicket(url: "https://example.com/login", state: "s1")
    private static let new = CredentialSnapshot(
        listed: [], stored: [.init(name: "codex-a.json", provider: "codex", fingerprint: "1")])
    private static let empty = CredentialSnapshot(listed: [], stored: [])

    private static let plan: LoginPlan = {
        var plan = LoginPlan(provider: .codex, usesCallback: true)
        plan.canPaste = true
        return plan
    }()

    /// A machine that waits for the browser.
    private func waiting(_ plan: LoginPlan = plan) -> LoginMachine {
        var machine = LoginMachine(plan)
        _ = machine.handle(.start, now: Self.start)
        _ = machine.handle(.snapshot(Self.empty), now: Self.start)
        if plan.usesCallback { _ = machine.handle(.listening, now: Self.start) }
        _ = machine.handle(.ticket(Self.ticket), now: Self.start)
        return machine
    }

    /// A machine that has asked for the status at `now`.
    private func asking(_ plan: LoginPlan = plan, at now: MonotonicTime = start + .seconds(2)) -> LoginMachine {
        var machine = waiting(plan)
        #expect(machine.handle(.tick, now: now) == [.askStatus(state: "s1")])
        return machine
    }

    @Test func `takes its steps in order`() {
        var machine = LoginMachine(Self.plan)
        #expect(machine.handle(.start, now: Self.start) == [.takeSnapshot])
        #expect(machine.handle(.snapshot(Self.empty), now: Self.start) == [.openListener(port: 1455)])
        #expect(machine.handle(.listening, now: Self.start) == [.requestTicket])
        #expect(machine.handle(.ticket(Self.ticket), now: Self.start) == [.announce(Self.ticket), .askForPaste])
        #expect(machine.nextTick == Self.start + .seconds(2))
    }

    @Test func `a callback of another attempt is not passed on`() {
        var machine = waiting()
        let strange = CallbackParameters(code: "c", state: "s2", error: nil)
        #expect(machine.handle(.callback(strange), now: Self.start) == [.tell(.otherAttempt)])
        let empty = CallbackParameters(code: nil, state: "s1", error: nil)
        #expect(machine.handle(.callback(empty), now: Self.start) == [.tell(.notACallback)])
        let right = CallbackParameters(code: "c", state: "s1", error: nil)
        #expect(machine.handle(.callback(right), now: Self.start) == [.submit(right)])
        // Pasted as well while the first is on its way: once is enough.
        #expect(machine.handle(.callback(right), now: Self.start) == [])
    }

    @Test func `an ok is proven, and proven again until the limit`() {
        var machine = asking()
        let now = Self.start + .seconds(2)
        #expect(machine.handle(.status(.done(wordIsClear: true)), now: now) == [.takeSnapshot])
        #expect(machine.handle(.snapshot(Self.empty), now: now) == [])
        #expect(machine.handle(.tick, now: now + .seconds(1)) == [.takeSnapshot])
        #expect(
            machine.handle(.snapshot(Self.new), now: now + .seconds(1))
                == [.finish(.success(credential: .init(name: "codex-a.json", provider: "codex", fingerprint: "1")))])
        var other = asking()
        _ = other.handle(.status(.done(wordIsClear: true)), now: now)
        #expect(other.handle(.snapshot(Self.empty), now: now + .seconds(10)) == [.finish(.unconfirmed)])
    }

    @Test func `another provider's new credential proves nothing`() {
        var machine = asking()
        let now = Self.start + .seconds(2)
        _ = machine.handle(.status(.done(wordIsClear: false)), now: now)
        let other = CredentialSnapshot(
            listed: [], stored: [.init(name: "github-a.json", provider: "github-copilot", fingerprint: "1")])
        #expect(machine.handle(.snapshot(other), now: now + .seconds(10)) == [.finish(.unconfirmed)])
    }

    @Test func `a credential that came although the session is forgotten is a success`() {
        var machine = asking()
        let now = Self.start + .seconds(2)
        let unknown = LoginStatus(["status": "error", "error": "unknown or expired state"])
        #expect(machine.handle(.status(unknown), now: now) == [.takeSnapshot])
        #expect(machine.handle(.snapshot(Self.new), now: now).count == 1)
        #expect(machine.outcome?.isSuccess == true)
    }

    @Test func `a server that is away for a moment is borne, one that stays away is not`() {
        var machine = asking()
        let away = ManagementFailure.unreachable(word: "refused", detail: "x")
        var now = Self.start + .seconds(2)
        #expect(machine.handle(.failed(away), now: now) == [.tell(.serverAway)])
        while machine.outcome == nil {
            now = now + .seconds(2)
            _ = machine.handle(.tick, now: now)
            _ = machine.handle(.failed(away), now: now)
        }
        #expect(machine.outcome == .serverFailed(away))
        #expect(now - Self.start == .seconds(32))
    }

    @Test func `a callback that could not be delivered is delivered later`() {
        var machine = waiting()
        let parameters = CallbackParameters(code: "c", state: "s1", error: nil)
        _ = machine.handle(.callback(parameters), now: Self.start)
        let away = ManagementFailure.unreachable(word: "reset", detail: "x")
        _ = machine.handle(.failed(away), now: Self.start)
        #expect(machine.handle(.tick, now: Self.start + .seconds(2)) == [.submit(parameters)])
        #expect(
            machine.handle(
                .failed(.refused(status: 404, message: "unknown or expired state")), now: Self.start + .seconds(2)) == [
                    .finish(.serverRestarted)
                ])
    }

    @Test func `a server without credentials to look at is believed only when its word is clear`() {
        var plan = Self.plan
        plan.proof = .serverWord
        let now = Self.start + .seconds(2)
        var clear = asking(plan)
        #expect(clear.handle(.status(.done(wordIsClear: true)), now: now) == [.finish(.success(credential: nil))])
        var vague = asking(plan)
        #expect(vague.handle(.status(.done(wordIsClear: false)), now: now) == [.takeSnapshot])
        var later = asking(plan)
        _ = later.handle(.status(.pending), now: now)
        _ = later.handle(.tick, now: now + .seconds(2))
        #expect(
            later.handle(.status(.done(wordIsClear: false)), now: now + .seconds(2))
                == [.finish(.success(credential: nil))])
    }

    // MARK: - What proves a login

    private static func snapshot(_ fingerprint: String, authenticated: Int64? = nil) -> CredentialSnapshot {
        let moment = authenticated.map { Timestamp(nanoseconds: $0 * 1_000_000_000) }
        return CredentialSnapshot(
            listed: [.init(name: "codex-a.json", provider: "codex", fingerprint: fingerprint)],
            stored: [
                .init(name: "codex-a.json", provider: "codex", fingerprint: fingerprint, authenticated: moment)
            ])
    }

    /// How a login ends that found `before`, went through `events`, and finds `after` at its end.
    private func end(
        _ before: CredentialSnapshot, _ events: [LoginMachine.Event], _ after: CredentialSnapshot
    ) -> LoginOutcome? {
        var machine = LoginMachine(Self.plan)
        var now = Self.start
        for event in [.start, .snapshot(before), .listening, .ticket(Self.ticket)] + events {
            // Polls are asked for as they fall due, snapshots where they are wanted.
            now = now + .seconds(2)
            if case .status = event { _ = machine.handle(.tick, now: now) }
            _ = machine.handle(event, now: now)
        }
        _ = machine.handle(.snapshot(after), now: now)
        _ = machine.handle(.tick, now: now + .seconds(10))
        _ = machine.handle(.snapshot(after), now: now + .seconds(10))
        return machine.outcome
    }

    private static let taken: [LoginMachine.Event] = [
        .callback(CallbackParameters(code: "c", state: "s1", error: nil)), .submitted,
    ]
    private static let isDone = LoginMachine.Event.status(.done(wordIsClear: false))
    private static let isUnknown = LoginMachine.Event.status(.failed(message: "unknown or expired state"))

    @Test(arguments: [
        ([isDone], LoginOutcome.unconfirmed), ([isUnknown], .lostSession), ([.status(.pending), isDone], .unconfirmed),
        ([.status(.pending), isUnknown], .lostSession), (taken + [isUnknown], .lostSession),
        (taken + [.tick, .failed(.unreachable(word: "refused", detail: "")), isDone], .serverRestarted),
    ])
    func `a renewed token is no login`(events: [LoginMachine.Event], outcome: LoginOutcome) {
        #expect(end(Self.snapshot("1"), events, Self.snapshot("2")) == outcome)
        let renewed = end(Self.snapshot("1", authenticated: 100), events, Self.snapshot("2", authenticated: 100))
        #expect(renewed == outcome)
    }

    @Test func `a changed credential is the work of a login whose callback was taken`() {
        #expect(end(Self.snapshot("1"), Self.taken + [Self.isDone], Self.snapshot("2"))?.isSuccess == true)
        #expect(end(Self.snapshot("1"), Self.taken + [Self.isDone], Self.snapshot("1")) == .unconfirmed)
        let brought = [Self.taken[0], .failed(.refused(status: 409, message: "oauth flow is already completed"))]
        #expect(end(Self.snapshot("1"), brought + [Self.isDone], Self.snapshot("2"))?.isSuccess == true)
    }

    @Test func `tokens that tell of a later authentication prove a login that somebody else brought back`() {
        let after = Self.snapshot("2", authenticated: 200)
        #expect(end(Self.snapshot("1", authenticated: 100), [Self.isDone], after)?.isSuccess == true)
        #expect(end(Self.snapshot("1", authenticated: 300), [Self.isDone], after) == .unconfirmed)
        #expect(end(Self.snapshot("1"), [Self.isDone], after) == .unconfirmed)
    }

    @Test func `what the folder knew is not new because the server lists it only now`() {
        var before = Self.snapshot("1")
        before.listed = []
        #expect(end(before, [Self.isDone], Self.snapshot("1")) == .unconfirmed)
    }

    // MARK: - Time and remarks

    @Test func `the time-out counts in every state`() {
        let before: [LoginMachine.Event] = [.start, .snapshot(Self.empty), .listening, .ticket(Self.ticket), .tick]
        let late = Self.start + .seconds(300)
        let away = LoginMachine.Event.failed(.refused(status: 503, message: ""))
        let last: [LoginMachine.Event] = [.tick, .snapshot(Self.empty), .listening, .ticket(Self.ticket), away]
        for count in 1...before.count {
            var machine = LoginMachine(Self.plan)
            for event in before.prefix(count) { _ = machine.handle(event, now: Self.start + .seconds(2)) }
            #expect(machine.callLimit(now: Self.start + .seconds(2)) == .seconds(300))
            _ = machine.handle(last[count - 1], now: late + .seconds(2))
            #expect(machine.outcome == .timedOut(after: .seconds(300)), "after \(count)")
        }
    }

    @Test func `pages are told once, a person each time within reason`() {
        var machine = waiting()
        let told = { (event: LoginMachine.Event, machine: inout LoginMachine) in
            (0..<100).map { _ in machine.handle(event, now: Self.start).count }.reduce(0, +)
        }
        #expect(told(.stray(.otherAttempt), &machine) == 1)
        #expect(told(.callback(CallbackParameters(code: "c", state: "s2", error: nil)), &machine) == 0)
        #expect(told(.stray(.notACallback), &machine) == 1)
        #expect(told(.pasted("code=c&state=s2"), &machine) == 20)
        #expect(told(.pasted("what?"), &machine) == 20)
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `whatever happens, success needs a new credential and the end is the end`(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            var machine = LoginMachine(Self.plan)
            var now = Self.start
            var sawAddition = false
            for _ in 0..<60 {
                let event = Self.events.randomElement(using: &random) ?? .tick
                now = now + .milliseconds(Int.random(in: 0...5000, using: &random))
                let wasFinished = machine.outcome != nil
                let effects = machine.handle(event, now: now)
                if event == .snapshot(Self.new) { sawAddition = true }
                if wasFinished { #expect(effects.isEmpty) }
                if machine.outcome?.isSuccess == true { #expect(sawAddition) }
                // Whoever waits knows for how long; whoever does not has asked for something.
                #expect(effects.filter { if case .finish = $0 { true } else { false } }.count <= 1)
                if case .interrupted = event { #expect(machine.outcome != nil) }
            }
        }
    }

    private static let events: [LoginMachine.Event] = [
        .start, .snapshot(empty), .snapshot(empty), .snapshot(new), .listening, .portBusy, .ticket(ticket),
        .callback(CallbackParameters(code: "c", state: "s1", error: nil)), .pasted("code=c&state=s1"), .pasted("x"),
        .callback(CallbackParameters(code: nil, state: "s1", error: "access_denied")), .submitted, .status(.pending),
        .status(.pending), .status(.done(wordIsClear: false)), .status(.done(wordIsClear: true)),
        .status(.failed(message: "unknown or expired state")), .failed(.unreachable(word: "refused", detail: "")),
        .failed(.refused(status: 404, message: "")), .failed(.refused(status: 409, message: "")), .tick, .tick, .tick,
        .interrupted,
    ]
}

@Suite struct LoginAnswerTests {
    @Test(arguments: ["auth_url", "url", "login_url"])
    func `a ticket's URL may have several names`(name: String) {
        let json = JSONValue.object([name: "https://example.com/a?state=xyz", "status": "ok"])
        #expect(LoginTicket(json) == LoginTicket(url: "https://example.com/a?state=xyz", state: "xyz"))
    }

    @Test(arguments: [
        "javascript:alert(1)", "file:///etc/passwd", "https://a b", "https://example.com/\u{1B}[31m", "--help", "",
    ])
    func `what is no web page is no ticket`(url: String) {
        #expect(LoginTicket(["url": .string(url)]) == nil)
    }

    @Test(arguments: [
        ("success", LoginStatus.done(wordIsClear: true)), ("completed", .done(wordIsClear: true)),
        ("authorized", .done(wordIsClear: true)), ("ok", .done(wordIsClear: false)), ("OK", .done(wordIsClear: false)),
        ("denied", .denied), ("expired", .expired), ("cancelled", .cancelled), ("failed", .failed(message: "")),
        ("error", .failed(message: "")), ("wait", .pending), ("pending", .pending), ("device_code", .pending),
        ("", .pending),
    ])
    func `a status may have several words`(word: String, status: LoginStatus) {
        #expect(LoginStatus(["status": .string(word)]) == status)
        if word != "" { #expect(LoginStatus(["state": .string(word)]) == status) }
    }

    @Test(arguments: [
        ("Timeout waiting for OAuth callback", LoginStatus.expired), ("Bad Request", .denied),
        ("Authentication failed", .denied), ("State code error", .failed(message: "State code error")),
    ])
    func `the server's error texts tell one end from another`(text: String, status: LoginStatus) {
        #expect(LoginStatus(["status": "error", "error": .string(text)]) == status)
    }

    @Test(arguments: [
        ("http://localhost:1455/auth/callback?code=a%2Fb&state=s#x", "a/b"), ("/auth/callback?state=s&code=c", "c"),
        ("code=c+d&state=s", "c d"), ("  https://x/?code=c&state=s trailing", "c"),
    ])
    func `callbacks are read from a URL, a path or a query`(text: String, code: String) {
        #expect(CallbackParameters(text) == CallbackParameters(code: code, state: "s", error: nil))
    }

    @Test(arguments: [
        "\"http://localhost:1455/auth/callback?code=c&state=s\"", "'/auth/callback?code=c&state=s'",
        " <http://localhost:1455/auth/callback?code=c&state=s> \r", "“code=c&state=s”", "code=c&state=s",
    ])
    func `what is pasted may stand in quotes`(text: String) {
        #expect(CallbackParameters(pasted: text) == CallbackParameters(code: "c", state: "s", error: nil))
    }

    @Test(arguments: ["", "hello", "?code=c", "code=c&state=", "code=%zz&state=%00", "state"])
    func `what has no state is no callback`(text: String) {
        #expect(CallbackParameters(text) == nil)
    }
}
