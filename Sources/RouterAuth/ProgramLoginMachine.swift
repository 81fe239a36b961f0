// SPDX-License-Identifier: MIT

internal import JSONSyntax
package import SystemIO

/// Decides the steps of a login through a flag of the server's own program, from the lines that it prints.
///
/// Its exit code says nothing (0 for success and failure), so only a new credential counts.
package struct ProgramLoginMachine: Sendable {
    package enum Event: Equatable, Sendable {
        case line(String)
        case exited(ExitStatus)
        case snapshot(CredentialSnapshot)
        case tick
        case interrupted
    }

    package enum Effect: Equatable, Sendable {
        case announce(LoginTicket)
        case stopProgram
        case takeSnapshot
        case finish(LoginOutcome)
    }

    private enum State: Equatable {
        case running(deadline: MonotonicTime)
        /// It was told to stop because of this.
        case stopping(LoginOutcome, until: MonotonicTime)
        case proving(otherwise: LoginOutcome)
        case finished(LoginOutcome)
    }

    /// The exit code for "the callback port is in use".
    private static let portBusyExit: Int32 = 13
    /// Codes that are shown: a program may ask for a second one when the first has ended.
    private static let ticketLimit = 3
    /// How long a killed program may take to be gone; one that the kernel holds on to is left to it.
    private static let farewell = Duration.seconds(3)

    private let provider: LoginProvider
    private let program: String
    private let flag: String
    private let before: CredentialSnapshot
    private let timeout: Duration
    private var state: State
    private var url: String?
    private var reason: String?
    private var saysSuccess = false
    private var isFlagUnknown = false
    private var announced: [LoginTicket] = []

    package init(
        provider: LoginProvider, program: String, flag: String, before: CredentialSnapshot, timeout: Duration,
        now: MonotonicTime
    ) {
        self.provider = provider
        self.program = program
        self.flag = flag
        self.before = before
        self.timeout = timeout
        state = .running(deadline: now + timeout)
    }

    package var outcome: LoginOutcome? {
        if case .finished(let outcome) = state { outcome } else { nil }
    }

    package mutating func handle(_ event: Event, now: MonotonicTime) -> [Effect] {
        switch (state, event) {
        case (.running, .line(let line)): return read(line)
        case (.running, .exited(let status)): return exited(status)
        case (.running(let deadline), .tick):
            guard now >= deadline else { return [] }
            state = .stopping(.timedOut(after: timeout), until: now + Self.farewell)
            return [.stopProgram]
        case (.running, .interrupted):
            state = .stopping(.interrupted, until: now + Self.farewell)
            return [.stopProgram]
        case (.stopping(let outcome, _), .exited): return finish(outcome)
        case (.stopping(let outcome, let until), .tick): return now >= until ? finish(outcome) : []
        case (.proving(let otherwise), .snapshot(let snapshot)):
            // A running server may have renewed an old credential meanwhile: that one is no proof by itself.
            let isAttested = saysSuccess && reason == nil
            let entry = snapshot.addition(since: before, provider: provider, isAttested: isAttested)
            return finish(entry.map { .success(credential: $0) } ?? otherwise)
        case (.proving, .interrupted): return finish(.interrupted)
        case (.running, .snapshot), (.stopping, .line), (.stopping, .snapshot), (.stopping, .interrupted),
            (.proving, .line), (.proving, .exited), (.proving, .tick), (.finished, _):
            return []
        }
    }

    private mutating func read(_ line: String) -> [Effect] {
        if let found = Self.text(after: "device url: ", in: line) ?? Self.text(after: "please visit: ", in: line) {
            url = found
        } else if let code = Self.text(after: "device code: ", in: line)
            ?? Self.text(after: "enter the code: ", in: line)
        {
            // The same checks as for a server's answer: this is printed and may be handed to a browser.
            guard let url, let ticket = LoginTicket(["url": .string(url), "user_code": .string(code)]) else {
                return []
            }
            guard announced.count < Self.ticketLimit, !announced.contains(ticket) else { return [] }
            announced.append(ticket)
            return [.announce(ticket)]
        } else if line.contains("flag provided but not defined") {
            isFlagUnknown = true
        } else if let found = Self.text(after: "authentication failed: ", in: line) {
            reason = LogSafe.line(found)
        } else if let found = Self.text(after: "failed to load config: ", in: line) {
            reason = LogSafe.line(found)
        } else if line.lowercased().contains("authentication successful") {
            saysSuccess = true
        }
        return []
    }

    private mutating func exited(_ status: ExitStatus) -> [Effect] {
        if isFlagUnknown { return finish(.programUnsuitable(program: PathName.last(of: program), flag: flag)) }
        if status == .code(Self.portBusyExit) { return finish(.portBusy(port: 1455)) }
        state = .proving(otherwise: failure(status))
        return [.takeSnapshot]
    }

    private func failure(_ status: ExitStatus) -> LoginOutcome {
        let text = (reason ?? "").lowercased()
        if text.contains("denied") { return .denied }
        if text.contains("expired") || text.contains("timed out") || text.contains("timeout") { return .expired }
        if let reason { return .failed(message: reason) }
        if saysSuccess { return .unconfirmed }
        switch status {
        case .signal(let number, _): return .failed(message: "the program was ended by signal \(number)")
        case .code, .unknown: return .failed(message: "the program ended without a word about the login")
        }
    }

    private mutating func finish(_ outcome: LoginOutcome) -> [Effect] {
        state = .finished(outcome)
        return [.finish(outcome)]
    }

    /// The rest of a line after `mark`, whose case does not matter.
    private static func text(after mark: String, in line: String) -> String? {
        guard let found = line.lowercased().firstRange(of: mark) else { return nil }
        // Lower-casing ASCII keeps the length, and other lines are none of ours.
        guard line.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        let offset = line.lowercased().distance(from: line.lowercased().startIndex, to: found.upperBound)
        let rest = line.dropFirst(offset)
        return rest.isEmpty ? nil : String(rest)
    }
}
