// SPDX-License-Identifier: MIT

package import JSONSyntax
package import SystemIO

/// One line of events.log: something that happened to the stack. Holds no secrets.
package struct Event: Equatable, Sendable {
    /// The words of the `event` key.
    package enum Name: String, Sendable, CaseIterable {
        case serviceStart = "service_start"
        case serviceStop = "service_stop"
        case serviceRestart = "service_restart"
        case serviceExit = "service_exit"
        case serviceReady = "service_ready"
        case serviceUnready = "service_unready"
        case serviceUnhealthy = "service_unhealthy"
        case serviceFatal = "service_fatal"
        case serviceAdopted = "service_adopted"
        case serviceStalePID = "service_stale_pid"
        case profileSwitch = "profile_switch"
        case oauthLogin = "oauth_login"
        case authImport = "auth_import"
        case bootstrapDownload = "bootstrap_download"
        case bootstrapRollback = "bootstrap_rollback"
        case supervisorStart = "supervisor_start"
        case supervisorStop = "supervisor_stop"
        case supervisorReload = "supervisor_reload"
        case supervisorUpgrade = "supervisor_upgrade"
        case supervisorDegraded = "supervisor_degraded"
        case logRotation = "log_rotation"
    }

    /// The words of the `result` key.
    package enum Result: String, Sendable, CaseIterable {
        case success, failed, timeout
        case alreadyRunning = "already-running"
        case notRunning = "not-running"
        case stalePID = "stale-pid"
        case alreadyExited = "already-exited"
        case successAfterKill = "success-after-kill"
        case cancelled
    }

    package var timestamp: Timestamp
    package var name: Name
    package var service: String?
    package var profile: String?
    package var provider: String?
    package var result: Result?
    /// Free text for people: at most `detailLimit` characters are written.
    package var detail: String?

    package static let detailLimit = 2000

    package init(
        _ name: Name, at timestamp: Timestamp, service: String? = nil, profile: String? = nil,
        provider: String? = nil, result: Result? = nil, detail: String? = nil
    ) {
        self.name = name
        self.timestamp = timestamp
        self.service = service
        self.profile = profile
        self.provider = provider
        self.result = result
        self.detail = detail
    }

    /// The seven keys of the contract, always all of them, null where they do not apply.
    package var json: JSONValue {
        [
            "timestamp": .string(timestamp.iso8601),
            "event": .string(name.rawValue),
            "service": JSONValue(service),
            "profile": JSONValue(profile),
            "provider": JSONValue(provider),
            "result": JSONValue(result?.rawValue),
            "detail": JSONValue(detail.map { String($0.prefix(Self.detailLimit)) }),
        ]
    }
}
