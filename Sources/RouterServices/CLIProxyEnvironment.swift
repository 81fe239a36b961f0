// SPDX-License-Identifier: MIT

/// Variables that silently turn CLIProxyAPI into something else than its config file says.
package enum CLIProxyEnvironment {
    /// `DEPLOY=cloud` idles without a config, the stores replace config and auth folder, the paths move logs and pages.
    private static let names: Set<String> = ["DEPLOY", "WRITABLE_PATH", "MANAGEMENT_STATIC_PATH"]
    private static let prefixes = ["PGSTORE_", "GITSTORE_", "OBJECTSTORE_"]

    /// Whether a variable that happens to be set must not reach the server.
    package static func isStray(_ name: some StringProtocol) -> Bool {
        names.contains(String(name)) || prefixes.contains { name.hasPrefix($0) }
    }

    /// `NAME=value` entries without the stray ones.
    package static func scrubbed(_ environment: [String]) -> [String] {
        environment.filter { entry in !isStray(entry.prefix { $0 != "=" }) }
    }
}
