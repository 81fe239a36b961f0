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

    /// The stray variables that a `.env` file in the server's working folder would set, in written order.
    ///
    /// The server reads that file leniently: `export ` may lead, and `:` may stand for `=`. What is set already wins
    /// over it, an empty value included, and an empty value counts as none.
    package static func strayNames(inDotEnv text: some StringProtocol) -> [String] {
        var names: [String] = []
        for line in text.split(whereSeparator: \.isNewline) {
            var line = line.drop { $0 == " " || $0 == "\t" }
            if line.hasPrefix("export ") { line = line.dropFirst("export ".count).drop { $0 == " " } }
            let name = line.prefix { $0 != "=" && $0 != ":" && $0 != " " }
            if isStray(name), !names.contains(String(name)) { names.append(String(name)) }
        }
        return names
    }
}
