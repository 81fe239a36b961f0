// SPDX-License-Identifier: MIT

package import RouterServices

/// A text for another program, with the name of the file it belongs into.
package struct ExportedFile: Equatable, Sendable {
    package let name: String
    package let text: String

    package init(name: String, text: String) {
        self.name = name
        self.text = text
    }
}

/// Units that have systemd run the whole stack: one service, since the supervisor knows the order, the probes and the
/// restarts better than units could say them.
package struct SystemdExporter: Sendable {
    /// Who runs the unit.
    package enum Scope: Equatable, Sendable {
        /// The machine, as this user.
        case system(user: String)
        /// The user's own service manager.
        case user
    }

    package var scope: Scope
    /// Absolute path of `llm-router`.
    package var executable: String
    /// Absolute path of the config file.
    package var config: String
    /// Where the stack writes: its runtime folder and what else the config names.
    package var writablePaths: [String]
    /// A file of variables, such as keys; it may be missing.
    package var environmentFile: String?

    package init(scope: Scope, executable: String, config: String, writablePaths: [String]) {
        self.scope = scope
        self.executable = executable
        self.config = config
        self.writablePaths = writablePaths
    }

    /// The units for `specs`; the longest stop decides how long systemd waits.
    package func units(for specs: [ServiceSpec]) -> [ExportedFile] {
        [ExportedFile(name: "llm-router.service", text: unit(specs))]
    }

    private func unit(_ specs: [ServiceSpec]) -> String {
        var lines = ["[Unit]", "Description=Local LLM stack (llm-router)", "Documentation=man:llm-router(1)"]
        if case .system = scope { lines += ["After=network-online.target", "Wants=network-online.target"] }
        // What gives up here has given up for a reason that a restart does not cure.
        lines += ["StartLimitIntervalSec=300", "StartLimitBurst=5", ""]
        lines += ["[Service]", "Type=notify", "NotifyAccess=main"]
        lines.append("ExecStart=\(quoted(executable)) --config \(quoted(config)) run")
        lines.append("ExecReload=/bin/kill -HUP $MAINPID")
        if case .system(let user) = scope { lines.append("User=\(escaped(user))") }
        if let environmentFile { lines.append("EnvironmentFile=-\(escaped(environmentFile))") }
        // Killed, the supervisor leaves its services running and its successor adopts them: the rest of the group stays.
        lines += ["Restart=on-failure", "RestartSec=1s", "KillMode=mixed", "TimeoutStartSec=180s"]
        lines += ["TimeoutStopSec=\(stopSeconds(specs))s", "WatchdogSec=30s", "LimitNOFILE=65536", ""]
        lines += hardening()
        lines += ["", "[Install]", "WantedBy=\(scope == .user ? "default.target" : "multi-user.target")"]
        return lines.joined(separator: "\n") + "\n"
    }

    /// What a stack of interpreters, HTTP servers and their children never needs.
    private func hardening() -> [String] {
        var lines = [
            "UMask=0077", "NoNewPrivileges=yes", "LockPersonality=yes", "RestrictRealtime=yes", "RestrictSUIDSGID=yes",
            "SystemCallArchitectures=native", "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
        ]
        // A user's manager may not make the name spaces that these take.
        guard case .system = scope else { return lines }
        lines += [
            "ProtectSystem=strict", "PrivateTmp=yes", "PrivateDevices=yes", "ProtectKernelTunables=yes",
            "ProtectKernelModules=yes", "ProtectKernelLogs=yes", "ProtectControlGroups=yes", "ProtectClock=yes",
            "ProtectHostname=yes", "CapabilityBoundingSet=", "AmbientCapabilities=",
        ]
        lines += writablePaths.map { "ReadWritePaths=\(quoted($0))" }
        return lines
    }

    /// Services stop one after the other at worst.
    private func stopSeconds(_ specs: [ServiceSpec]) -> Int {
        let total = specs.reduce(Duration.zero) { $0 + $1.stop.timeout }
        return max(30, Int(total.components.seconds) + 10)
    }

    /// `%` begins a specifier everywhere in a unit.
    private func escaped(_ text: String) -> String {
        var result = ""
        for scalar in text.unicodeScalars where scalar.value >= 0x20 && scalar.value != 0x7F {
            result += scalar == "%" ? "%%" : String(scalar)
        }
        return result
    }

    /// One word of a command line or a list of paths.
    private func quoted(_ text: String) -> String {
        let plain = text.allSatisfy { $0.isLetter || $0.isNumber || "/._-+@:=,".contains($0) }
        guard !plain else { return text }
        var result = "\""
        for character in escaped(text) {
            switch character {
            case "\"", "\\": result += "\\\(character)"
            // A dollar begins a variable in a command line.
            case "$": result += "$$"
            default: result.append(character)
            }
        }
        return result + "\""
    }
}
