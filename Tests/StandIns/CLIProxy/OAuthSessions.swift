// SPDX-License-Identifier: MIT

/// The logins that are under way, as the server remembers them. Times are seconds of the server's clock.
struct OAuthSessions: Sendable {
    enum Answer: Equatable {
        case ok, wait, malformed
        case failed(String)
    }

    enum CallbackProblem: Equatable {
        case unknown, notPending, completed, otherProvider
    }

    private enum State {
        case pending
        case failed(String)
        case completed(at: Double)
    }

    private struct Session {
        let provider: String
        let created: Double
        var state: State
    }

    let release: ServerRelease
    private var sessions: [String: Session] = [:]

    init(release: ServerRelease) {
        self.release = release
    }

    mutating func register(_ state: String, provider: String, now: Double) {
        sessions[state] = Session(provider: provider, created: now, state: .pending)
    }

    mutating func isPending(_ state: String, now: Double) -> Bool {
        purge(now)
        if case .pending? = sessions[state]?.state { return true }
        return false
    }

    mutating func fail(_ state: String, _ message: String) {
        sessions[state]?.state = .failed(message)
    }

    /// The old generation ends every pending login of the provider with the first one that succeeds.
    mutating func complete(_ state: String, now: Double) {
        guard let provider = sessions[state]?.provider else { return }
        switch release {
        case .legacy:
            sessions = sessions.filter { $0.key != state && $0.value.provider != provider }
        case .current: sessions[state]?.state = .completed(at: now)
        }
    }

    mutating func remove(_ state: String) -> Bool {
        sessions.removeValue(forKey: state) != nil
    }

    mutating func status(_ state: String?, now: Double) -> Answer {
        guard let state, !state.isEmpty else { return .ok }
        guard Self.isValid(state) else { return .malformed }
        purge(now)
        switch sessions[state]?.state {
        case .pending: return .wait
        case .failed(let message): return .failed(message)
        case .completed: return .ok
        case nil: return release == .legacy ? .ok : .failed("unknown or expired state")
        }
    }

    mutating func callbackProblem(_ state: String, provider: String, now: Double) -> CallbackProblem? {
        purge(now)
        guard let session = sessions[state] else { return .unknown }
        switch session.state {
        case .pending: return session.provider == provider ? nil : .otherProvider
        case .failed: return .notPending
        case .completed: return .completed
        }
    }

    static func isValid(_ state: String) -> Bool {
        !state.isEmpty && state.utf8.count <= 128 && !state.contains("..")
            && state.utf8.allSatisfy { byte in
                let letter = Character(Unicode.Scalar(byte))
                return byte < 0x80 && (letter.isLetter || letter.isNumber || "-_.".contains(letter))
            }
    }

    private mutating func purge(_ now: Double) {
        sessions = sessions.filter { _, session in
            if case .completed(let moment) = session.state {
                return now - moment <= (release.completedSessionSeconds ?? 0)
            }
            return now - session.created <= release.sessionSeconds
        }
    }
}
