// SPDX-License-Identifier: MIT

internal import SystemIO

/// Checks of what others could reach or guess.
package enum ExposureChecks {
    /// Keys that stand in documentation and examples, and so in every attacker's list.
    package static let publicKeys: Set<String> = [
        "sk-local-test", "sk-1234", "sk-test", "your-api-key-1", "your-api-key-2", "your-api-key-3", "changeme",
        "password", "secret", "admin", "test",
    ]
    private static let publicPrefixes = ["change-me", "changeme", "your-", "replace-", "example-", "<"]

    /// Whether `key` protects nothing because everybody knows it.
    package static func isPublicKey(_ key: String) -> Bool {
        let word = key.lowercased()
        return publicKeys.contains(word) || publicPrefixes.contains { word.hasPrefix($0) }
    }

    /// Whether only this machine reaches `host`.
    package static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host == "[::1]" || host.hasPrefix("127.")
    }

    /// Whether a setting or variable called `name` holds a key or password.
    package static func isKeyName(_ name: String) -> Bool {
        let word = name.lowercased().replacing("-", with: "_")
        return ["key", "password", "secret", "token"].contains { word == $0 || word.hasSuffix("_" + $0) }
    }

    /// A service that other machines reach must ask for a key.
    ///
    /// - Parameter setting: what decides where the service listens.
    package static func bind(service: String, host: String, port: Int?, hasKey: Bool, setting: String) -> Check? {
        guard !isLoopback(host) else { return nil }
        let facts = [("service", service), ("host", host), ("port", port.map(String.init) ?? "n/a")]
        return Check(
            "exposed_bind", hasKey ? .warn : .fail, facts + [("key", hasKey ? "set" : "none")],
            suggestion: hasKey ? nil : "set \(setting) to 127.0.0.1, or a key")
    }

    /// Keys in use that everybody knows, by the name of the variable or setting, never by value.
    package static func publicKeysInUse(_ keys: [(name: String, value: String)]) -> [Check] {
        keys.filter { isPublicKey($0.value) }.map { key in
            Check(
                "default_key", .fail, [("name", key.name)],
                suggestion: "set \(key.name) to the output of: openssl rand -hex 32")
        }
    }
}
