// SPDX-License-Identifier: MIT

package import SystemIO

/// What a login is to do; times are limits, not promises.
package struct LoginPlan: Equatable, Sendable {
    /// When a login counts as done.
    package enum Proof: Equatable, Sendable {
        /// A new credential is listed by the server or lies in its folder.
        case credential
        /// The server's word; for servers whose credentials cannot be looked at.
        case serverWord
    }

    package var provider: LoginProvider
    /// The browser is sent back to a port of this machine; otherwise a code is typed into a page.
    package var usesCallback: Bool
    package var proof = Proof.credential
    package var timeout = Duration.seconds(300)
    package var pollInterval = Duration.seconds(2)
    package var callbackPort = 1455
    /// Somebody can paste the callback URL.
    package var canPaste = false
    /// How long a credential may take to appear after the server's "ok".
    package var proofLimit = Duration.seconds(10)
    /// How long the server may be away in the middle of a login.
    package var outageLimit = Duration.seconds(30)

    package init(provider: LoginProvider, usesCallback: Bool) {
        self.provider = provider
        self.usesCallback = usesCallback
    }
}

/// Decides every step of a login through the management API. It does nothing itself: events in, effects out.
package struct LoginMachine: Sendable {
    package enum Event: Equatable, Sendable {
        case start
        case snapshot(CredentialSnapshot)
        case listening
        case portBusy
        case ticket(LoginTicket)
        case callback(CallbackParameters)
        /// Somebody called the port with what is no callback of this login.
        case stray(Remark)
        case pasted(String)
        case submitted
        case status(LoginStatus)
        /// The call that was asked for last has failed.
        case failed(ManagementFailure)
        /// `nextTick` has come.
        case tick
        case interrupted
    }

    package enum Effect: Equatable, Sendable {
        case takeSnapshot
        case openListener(port: Int)
        case requestTicket
        case announce(LoginTicket)
        case askForPaste
        case tell(Remark)
        case submit(CallbackParameters)
        case askStatus(state: String?)
        case finish(LoginOutcome)
    }

    /// What the operator should know although the login goes on.
    package enum Remark: Hashable, Sendable {
        case portBusy(port: Int)
        case notACallback
        case otherAttempt
        case serverAway
    }

    private struct Attempt: Equatable {
        let ticket: LoginTicket
        let before: CredentialSnapshot
        var nextPoll: MonotonicTime
        /// Brought by the browser and not yet accepted by the server.
        var callback: CallbackParameters?
        var awaySince: MonotonicTime?
        var wasAway = false
        var wasPending = false
        /// The server has taken the callback and was not away since: when it then says "ok", there was a login.
        var isAttested = false
    }

    private enum State: Equatable {
        case ready
        case snapshotting
        case openingListener(CredentialSnapshot)
        case requesting(CredentialSnapshot)
        case waiting(Attempt)
        case submitting(Attempt, CallbackParameters)
        case asking(Attempt)
        case proving(Attempt, until: MonotonicTime, retryAt: MonotonicTime?, otherwise: LoginOutcome)
        case finished(LoginOutcome)
    }

    /// Who has provoked a remark. Any page on this machine can, over and over; a person gets an answer to each line,
    /// within reason.
    private enum Cause: Hashable {
        case page, person

        var limit: Int {
            switch self {
            case .page: 1
            case .person: 20
            }
        }
    }

    private struct Saying: Hashable {
        let remark: Remark
        let cause: Cause
    }

    private let plan: LoginPlan
    private var state = State.ready
    /// Set by `.start`; it counts in every state.
    private var deadline: MonotonicTime?
    private var said: [Saying: Int] = [:]

    package init(_ plan: LoginPlan) {
        self.plan = plan
    }

    package var outcome: LoginOutcome? {
        if case .finished(let outcome) = state { outcome } else { nil }
    }

    /// When `.tick` is due; nil while a call is under way.
    package var nextTick: MonotonicTime? {
        switch state {
        case .waiting(let attempt): min(attempt.nextPoll, deadline ?? attempt.nextPoll)
        case .proving(_, _, let retryAt, _): retryAt
        case .ready, .snapshotting, .openingListener, .requesting, .submitting, .asking, .finished: nil
        }
    }

    /// How long the call that was just asked for may take.
    package func callLimit(now: MonotonicTime) -> Duration? {
        guard let deadline else { return nil }
        // The last look for the credential is worth a moment: it tells success from failure.
        if case .proving = state { return max(deadline - now, Self.lastLook) }
        return max(deadline - now, Self.shortestCall)
    }

    private static let lastLook = Duration.seconds(1)
    private static let shortestCall = Duration.milliseconds(50)

    /// Takes one event; the effects are to be performed in order, and their results fed back.
    package mutating func handle(_ event: Event, now: MonotonicTime) -> [Effect] {
        if case .finished = state { return [] }
        let effects = react(to: event, now)
        switch state {
        case .ready, .finished, .proving: return effects
        case .snapshotting, .openingListener, .requesting, .waiting, .submitting, .asking:
            guard let deadline, now >= deadline else { return effects }
            let remarks = effects.filter { if case .tell = $0 { true } else { false } }
            return remarks + finish(.timedOut(after: plan.timeout))
        }
    }

    private mutating func react(to event: Event, _ now: MonotonicTime) -> [Effect] {
        switch event {
        case .start: return start(now)
        case .snapshot(let snapshot): return received(snapshot, now)
        case .listening: return listened(remarks: [])
        case .portBusy:
            guard plan.canPaste else { return finish(.portBusy(port: plan.callbackPort)) }
            return listened(remarks: [.tell(.portBusy(port: plan.callbackPort))])
        case .ticket(let ticket): return received(ticket, now)
        case .callback(let parameters): return received(parameters, from: .page)
        case .stray(let remark): return tell(remark, .page)
        case .pasted(let line): return pasted(line)
        case .submitted: return submitted(now)
        case .status(let status): return received(status, now)
        case .failed(let failure): return received(failure, now)
        case .tick: return tick(now)
        case .interrupted: return finish(.interrupted)
        }
    }

    // MARK: - Events

    private mutating func start(_ now: MonotonicTime) -> [Effect] {
        guard case .ready = state else { return [] }
        deadline = now + plan.timeout
        state = .snapshotting
        return [.takeSnapshot]
    }

    private mutating func received(_ snapshot: CredentialSnapshot, _ now: MonotonicTime) -> [Effect] {
        switch state {
        case .snapshotting:
            if plan.usesCallback {
                state = .openingListener(snapshot)
                return [.openListener(port: plan.callbackPort)]
            }
            state = .requesting(snapshot)
            return [.requestTicket]
        case .proving(let attempt, let until, _, let otherwise):
            let isAttested = attempt.isAttested
            if let entry = snapshot.addition(since: attempt.before, provider: plan.provider, isAttested: isAttested) {
                return finish(.success(credential: entry))
            }
            return proveLater(attempt, until, otherwise, now)
        case .ready, .openingListener, .requesting, .waiting, .submitting, .asking, .finished: return []
        }
    }

    private mutating func listened(remarks: [Effect]) -> [Effect] {
        guard case .openingListener(let snapshot) = state else { return [] }
        state = .requesting(snapshot)
        return remarks + [.requestTicket]
    }

    private mutating func received(_ ticket: LoginTicket, _ now: MonotonicTime) -> [Effect] {
        guard case .requesting(let before) = state else { return [] }
        state = .waiting(Attempt(ticket: ticket, before: before, nextPoll: now + plan.pollInterval))
        return [.announce(ticket)] + (plan.usesCallback && plan.canPaste ? [.askForPaste] : [])
    }

    private mutating func pasted(_ line: String) -> [Effect] {
        // An empty line is somebody who is bored.
        guard line.contains(where: { !$0.isWhitespace }) else { return [] }
        guard let parameters = CallbackParameters(pasted: line) else { return tell(.notACallback, .person) }
        return received(parameters, from: .person)
    }

    private mutating func received(_ parameters: CallbackParameters, from cause: Cause) -> [Effect] {
        guard plan.usesCallback, case .waiting(let attempt) = state else { return [] }
        // Anybody on this machine can call the port; only the browser knows the state.
        guard parameters.state == attempt.ticket.state else { return tell(.otherAttempt, cause) }
        guard parameters.code != nil || parameters.error != nil else { return tell(.notACallback, cause) }
        state = .submitting(attempt, parameters)
        return [.submit(parameters)]
    }

    private mutating func submitted(_ now: MonotonicTime) -> [Effect] {
        guard case .submitting(var attempt, let parameters) = state else { return [] }
        if parameters.error != nil { return finish(.denied) }
        attempt.callback = nil
        attempt.isAttested = true
        attempt.nextPoll = now + min(plan.pollInterval, .milliseconds(500))
        state = .waiting(attempt)
        return []
    }

    private mutating func received(_ status: LoginStatus, _ now: MonotonicTime) -> [Effect] {
        guard case .asking(var attempt) = state else { return [] }
        attempt.awaySince = nil
        switch status {
        case .pending:
            attempt.wasPending = true
            return wait(attempt, now)
        case .done(let wordIsClear):
            if plan.proof == .serverWord, wordIsClear || attempt.wasPending, !attempt.wasAway {
                return finish(.success(credential: nil))
            }
            return prove(attempt, otherwise: attempt.wasAway ? .serverRestarted : .unconfirmed, now)
        case .failed where status.isUnknownState:
            // A login that ended a minute ago is forgotten as well, and its credential is there. So is one that a
            // restart cut off, and after a restart tokens are renewed: what has only changed proves nothing.
            attempt.isAttested = false
            return prove(attempt, otherwise: attempt.wasAway ? .serverRestarted : .lostSession, now)
        case .failed(let message): return finish(.failed(message: message))
        case .denied, .cancelled: return finish(.denied)
        case .expired: return finish(.expired)
        }
    }

    private mutating func received(_ failure: ManagementFailure, _ now: MonotonicTime) -> [Effect] {
        switch state {
        case .snapshotting, .requesting: return finish(.serverFailed(failure))
        case .asking(let attempt): return bear(failure, attempt, now)
        case .submitting(let attempt, let parameters): return submitFailed(failure, attempt, parameters, now)
        case .proving(var attempt, let until, _, let otherwise):
            guard failure.isOutage else { return finish(.serverFailed(failure)) }
            attempt.wasAway = true
            attempt.isAttested = false
            return proveLater(attempt, until, otherwise, now)
        case .ready, .openingListener, .waiting, .finished: return []
        }
    }

    private mutating func submitFailed(
        _ failure: ManagementFailure, _ attempt: Attempt, _ parameters: CallbackParameters, _ now: MonotonicTime
    ) -> [Effect] {
        var attempt = attempt
        switch failure {
        case .refused(status: 404, _):
            return parameters.error != nil ? finish(.denied) : finish(attempt.wasAway ? .serverRestarted : .lostSession)
        case .refused(status: 409, _):
            // Somebody else has brought the same callback: the status tells how it went.
            attempt.isAttested = true
            return wait(attempt, now)
        case .unreachable, .keyMissing, .wrongKey, .banned, .forbidden, .managementOff, .unsupported, .refused,
            .notJSON:
            attempt.callback = parameters
            return bear(failure, attempt, now)
        }
    }

    private mutating func tick(_ now: MonotonicTime) -> [Effect] {
        switch state {
        case .waiting(let attempt):
            guard now >= attempt.nextPoll else { return [] }
            if let callback = attempt.callback {
                state = .submitting(attempt, callback)
                return [.submit(callback)]
            }
            state = .asking(attempt)
            return [.askStatus(state: attempt.ticket.state)]
        case .proving(let attempt, let until, let retryAt, let otherwise):
            guard let retryAt, now >= retryAt else { return [] }
            state = .proving(attempt, until: until, retryAt: nil, otherwise: otherwise)
            return [.takeSnapshot]
        case .ready, .snapshotting, .openingListener, .requesting, .submitting, .asking, .finished: return []
        }
    }

    // MARK: - Steps

    private mutating func tell(_ remark: Remark, _ cause: Cause) -> [Effect] {
        let saying = Saying(remark: remark, cause: cause)
        guard said[saying, default: 0] < cause.limit else { return [] }
        said[saying, default: 0] += 1
        return [.tell(remark)]
    }

    private mutating func wait(_ attempt: Attempt, _ now: MonotonicTime) -> [Effect] {
        var attempt = attempt
        attempt.nextPoll = now + plan.pollInterval
        state = .waiting(attempt)
        return []
    }

    /// A server that is away may come back: the operator may be restarting it.
    private mutating func bear(_ failure: ManagementFailure, _ attempt: Attempt, _ now: MonotonicTime) -> [Effect] {
        guard failure.isOutage else { return finish(.serverFailed(failure)) }
        var attempt = attempt
        let since = attempt.awaySince ?? now
        guard now - since < plan.outageLimit else { return finish(.serverFailed(failure)) }
        let remarks: [Effect] = attempt.awaySince == nil ? [.tell(.serverAway)] : []
        attempt.awaySince = since
        attempt.wasAway = true
        attempt.isAttested = false
        return wait(attempt, now) + remarks
    }

    private mutating func prove(_ attempt: Attempt, otherwise: LoginOutcome, _ now: MonotonicTime) -> [Effect] {
        let until = min(now + plan.proofLimit, deadline ?? now)
        state = .proving(attempt, until: until, retryAt: nil, otherwise: otherwise)
        return [.takeSnapshot]
    }

    private mutating func proveLater(
        _ attempt: Attempt, _ until: MonotonicTime, _ otherwise: LoginOutcome, _ now: MonotonicTime
    ) -> [Effect] {
        guard now < until else { return finish(otherwise) }
        let retryAt = now + min(plan.pollInterval, .milliseconds(500))
        state = .proving(attempt, until: until, retryAt: retryAt, otherwise: otherwise)
        return []
    }

    private mutating func finish(_ outcome: LoginOutcome) -> [Effect] {
        state = .finished(outcome)
        return [.finish(outcome)]
    }
}

extension ManagementFailure {
    /// Whether the same call may work a little later.
    var isOutage: Bool {
        switch self {
        case .unreachable: true
        case .refused(let status, _): status >= 500
        case .keyMissing, .wrongKey, .banned, .forbidden, .managementOff, .unsupported, .notJSON: false
        }
    }
}
