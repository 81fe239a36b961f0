// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterConfig
internal import RouterControl
internal import RouterServices
internal import SystemIO

/// Replaces what stands behind a front while clients go on: the new process comes up in the other slot, requests move
/// there when it is ready, and the old one ends when its last answer is given.
///
/// Killed at any step, requests still go to a process that answers; the next switch or start tidies up.
struct FrontSwitching {
    let stack: Stack
    let front: ServiceFront

    /// How long answers of the old process may take; then it is asked to end all the same.
    static let drainLimit = Duration.seconds(300)

    /// - Returns: the outcome in the service's own name; when the new process does not come up, the old one stays.
    func renew(_ client: inout ControlClient, _ plan: ServicePlan, timeout: Duration) throws(ControlError)
        -> ServiceOutcome
    {
        let old = front.active
        let next = old.other
        let name = front.running(next).name
        let specs = plan.services + plan.standby
        // A switch that was ended while it waited has left answers there.
        if try isRunning(next, &client) { waitForAnswers(of: next) }
        let started = try client.restart([name], specs: specs, wait: .ready, timeout: timeout)
        guard var outcome = started.first(where: { $0.service == name }), outcome.result.isSuccess else {
            _ = try client.stop([name], timeout: timeout)
            var failed = started.first { $0.service == name } ?? ServiceOutcome(service: name, result: .failed)
            failed.service = front.service
            failed.detail = (failed.detail.map { $0 + "; " } ?? "") + "the old process goes on as it was"
            return failed
        }
        outcome.service = front.service
        do {
            try front.activate(next)
        } catch {
            _ = try client.stop([name], timeout: timeout)
            return ServiceOutcome(service: front.service, result: .failed, detail: error.diagnostic.message)
        }
        CrashPoint.reach()
        waitForAnswers(of: old)
        _ = try client.stop([front.running(old).name], timeout: timeout)
        outcome.result = .restarted
        return outcome
    }

    /// Ends what a killed switch has left in the slot that no request goes to, unless it still answers one.
    func tidy(_ client: inout ControlClient, timeout: Duration) throws(ControlError) {
        let idle = front.running(front.active.other)
        guard try isRunning(front.active.other, &client), let port = idle.value.port,
            ListeningSockets.connections(to: port) == 0
        else { return }
        _ = try client.stop([idle.name], timeout: timeout)
    }

    private func isRunning(_ slot: FrontSlot, _ client: inout ControlClient) throws(ControlError) -> Bool {
        let name = front.running(slot).name
        return try client.status(detail: .outline).services.contains { $0.name == name && $0.pid != nil }
    }

    private func waitForAnswers(of slot: FrontSlot) {
        guard let port = front.running(slot).value.port else { return }
        let deadline = MonotonicTime.now() + Self.drainLimit
        // Twice in a row: the front may have looked at its target just before it changed.
        var quiet = 0
        while quiet < 2 {
            let count = ListeningSockets.connections(to: port)
            quiet = count == 0 ? quiet + 1 : 0
            guard MonotonicTime.now() < deadline else {
                return stack.context.console.report(
                    Diagnostic(
                        "service/drain-limit",
                        "\(count) requests of the old \(front.service) still run after \(Self.drainLimit)",
                        severity: .warning, hints: ["they have the service's `stop.timeout` left"]))
            }
            stack.context.console.progress("\(front.service): \(count) requests of the old process")
            Pause.milliseconds(50)
        }
        stack.context.console.progress("")
    }
}
