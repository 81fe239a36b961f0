// SPDX-License-Identifier: MIT

internal import StandInHTTP

/// Who may use the management API: the key, and the ban after five wrong ones.
struct ManagementGuard: Sendable {
    enum Refusal: Equatable {
        case missingKey, invalidKey, remoteDisabled, keyNotSet
        case banned(secondsLeft: Int)

        var status: Int {
            switch self {
            case .missingKey, .invalidKey: 401
            case .remoteDisabled, .keyNotSet, .banned: 403
            }
        }

        var message: String {
            switch self {
            case .missingKey: "missing management key"
            case .invalidKey: "invalid management key"
            case .remoteDisabled: "remote management disabled"
            case .keyNotSet: "remote management key not set"
            case .banned(let left):
                "IP banned due to too many failed attempts. Try again in \(left >= 60 ? "\(left / 60)m" : "")\(left % 60)s"
            }
        }
    }

    static let failureLimit = 5
    static let banSeconds = 30.0 * 60

    let release: ServerRelease
    /// `MANAGEMENT_PASSWORD`: compared as it is, and allows remote callers.
    let environmentKey: String?
    /// `-password`: good for callers of this machine only.
    let localKey: String?
    private var failures: [String: (count: Int, bannedUntil: Double)] = [:]
    /// The last key that fitted its hash: checking it again takes as long as the first time.
    private var verified: (key: String, hash: String)?

    init(release: ServerRelease, environmentKey: String?, localKey: String?) {
        self.release = release
        self.environmentKey = environmentKey
        self.localKey = localKey
    }

    func isEnabled(_ config: ServerConfig) -> Bool {
        !config.secretKey.isEmpty || environmentKey != nil
    }

    /// nil: go ahead.
    mutating func refusal(for request: StandInRequest, config: ServerConfig, now: Double) -> Refusal? {
        let address = Self.clientAddress(of: request)
        let isLocal = address == "127.0.0.1" || address == "::1"
        let counts = !isLocal || release.bansLoopback
        if counts, let record = failures[address], record.bannedUntil > now {
            return .banned(secondsLeft: Int(record.bannedUntil - now))
        }
        if !isLocal, !config.allowRemote, environmentKey == nil { return .remoteDisabled }
        guard isEnabled(config) else { return .keyNotSet }
        let key = Self.key(of: request)
        if !key.isEmpty, fits(key, config, isLocal: isLocal) {
            failures[address] = nil
            return nil
        }
        if counts {
            let count = (failures[address]?.count ?? 0) + 1
            let until = count >= Self.failureLimit ? now + Self.banSeconds : 0
            failures[address] = (count >= Self.failureLimit ? 0 : count, until)
        }
        return key.isEmpty ? .missingKey : .invalidKey
    }

    private mutating func fits(_ key: String, _ config: ServerConfig, isLocal: Bool) -> Bool {
        if key == environmentKey || (isLocal && key == localKey) { return true }
        if let verified, verified == (key, config.secretKey) { return true }
        guard KeyHash.matches(key, config.secretKey) else { return false }
        verified = (key, config.secretKey)
        return true
    }

    /// The address as the server believes it, forged headers included.
    private static func clientAddress(of request: StandInRequest) -> String {
        guard let forwarded = request.header("X-Forwarded-For") else { return request.remoteAddress }
        return String(forwarded.prefix { $0 != "," })
    }

    private static func key(of request: StandInRequest) -> String {
        if let value = request.header("Authorization"), !value.isEmpty {
            return value.lowercased().hasPrefix("bearer ") ? String(value.dropFirst(7)) : value
        }
        return request.header("X-Management-Key") ?? ""
    }
}
