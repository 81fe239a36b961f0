// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import SystemIO

/// Carries out what a `LoginMachine` decides, on the calling thread.
package struct Login: ~Copyable {
    private var machine: LoginMachine
    private var server: LoginServer
    private let plan: LoginPlan
    private let console: any LoginConsole
    private let isInterrupted: @Sendable () -> Bool
    private var listener: CallbackListener?

    /// How often an interruption and typed lines are looked for.
    private static let patience = Duration.milliseconds(50)

    package init(
        plan: LoginPlan, endpoints: LoginEndpoints, client: ManagementClient, folder: String?,
        console: any LoginConsole, isInterrupted: @escaping @Sendable () -> Bool = { false }
    ) {
        self.plan = plan
        self.console = console
        self.isInterrupted = isInterrupted
        machine = LoginMachine(plan)
        server = LoginServer(client: client, endpoints: endpoints, provider: plan.provider, folder: folder)
    }

    /// Runs to the end; the port is free again when it returns.
    package consuming func run() -> LoginOutcome {
        perform(machine.handle(.start, now: .now()))
        while true {
            if let outcome = machine.outcome { return outcome }
            let event = nextEvent()
            perform(machine.handle(event, now: .now()))
        }
    }

    private mutating func nextEvent() -> LoginMachine.Event {
        while true {
            if isInterrupted() { return .interrupted }
            if let line = console.line(within: .zero) { return .pasted(line) }
            let left = (machine.nextTick ?? .now()) - .now()
            if left <= .zero { return .tick }
            switch waitForCallback(min(left, Self.patience)) {
            case .callback(let parameters): return .callback(parameters)
            case .otherAttempt: return .stray(.otherAttempt)
            case .incomplete: return .stray(.notACallback)
            case nil: continue
            }
        }
    }

    private mutating func waitForCallback(_ limit: Duration) -> CallbackListener.Arrival? {
        guard listener != nil else {
            Pause.milliseconds(Int32(clamping: max(1, limit.wholeMilliseconds)))
            return nil
        }
        return listener?.next(within: limit)
    }

    /// Performs effects and whatever follows from their results, until there is something to wait for.
    private mutating func perform(_ effects: [LoginMachine.Effect]) {
        var queue = effects[...]
        while let effect = queue.popFirst() {
            guard let event = perform(effect) else { continue }
            queue += machine.handle(event, now: .now())
        }
    }

    private mutating func perform(_ effect: LoginMachine.Effect) -> LoginMachine.Event? {
        server.client.callLimit = machine.callLimit(now: .now())
        do throws(ManagementFailure) {
            switch effect {
            case .takeSnapshot: return .snapshot(try server.snapshot())
            case .openListener(let port): return open(port)
            case .requestTicket: return .ticket(try server.ticket())
            case .announce(let ticket): announce(ticket)
            case .askForPaste:
                console.prompt("paste the address of the page the browser ends on, if it cannot reach this machine: ")
            case .tell(let remark): console.notice(remark.diagnostic)
            case .submit(let parameters):
                try server.submit(parameters)
                return .submitted
            case .askStatus(let state): return .status(try server.status(state))
            case .finish: listener = nil
            }
            return nil
        } catch {
            return .failed(error)
        }
    }

    private mutating func open(_ port: Int) -> LoginMachine.Event {
        do throws(SystemError) {
            listener = try CallbackListener.open(port: port)
            return .listening
        } catch {
            return .portBusy
        }
    }

    private mutating func announce(_ ticket: LoginTicket) {
        listener?.state = ticket.state
        console.value("login_url", ticket.url)
        if let code = ticket.userCode { console.value("user_code", code) }
        console.open(url: ticket.url)
    }
}
