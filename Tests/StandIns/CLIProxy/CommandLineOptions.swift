// SPDX-License-Identifier: MIT

/// The flags as Go's `flag` package reads them: `-x` and `--x` are the same, `-x=value` and `-x value` too.
struct CommandLineOptions: Equatable {
    enum Failure: Error, Equatable {
        case help
        case undefined(String)
        case needsArgument(String)
    }

    var configPath: String?
    var password: String?
    var noBrowser = false
    var callbackPort: Int?
    var login: String?

    private static let switches: Set<String> = ["no-browser", "incognito", "no-incognito"]
    private static let valued: Set<String> = [
        "config", "password", "oauth-callback-port", "project_id", "vertex-import",
    ]
    /// Not shown by `-h`.
    private static let hidden: Set<String> = ["password"]

    init(_ arguments: some Collection<String>, release: ServerRelease) throws(Failure) {
        var rest = Array(arguments)[...]
        while let argument = rest.popFirst() {
            guard argument.hasPrefix("-"), argument != "-" else { return }
            if argument == "--" { return }
            let text = argument.drop { $0 == "-" }
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            let name = parts.first ?? ""
            if name == "h" || name == "help" { throw .help }
            if Self.valued.contains(name) {
                guard let value = parts.count > 1 ? parts[1] : rest.popFirst() else { throw .needsArgument(name) }
                set(name, value)
            } else if Self.switches.contains(name) {
                if name == "no-browser" { noBrowser = parts.count < 2 || parts[1] == "true" }
            } else if release.loginFlags.contains(name) {
                login = name
            } else {
                throw .undefined(name)
            }
        }
    }

    private mutating func set(_ name: String, _ value: String) {
        switch name {
        case "config": configPath = value
        case "password": password = value
        case "oauth-callback-port": callbackPort = Int(value)
        default: break
        }
    }

    static func usage(program: String, release: ServerRelease) -> String {
        let names = valued.subtracting(hidden).union(switches).union(release.loginFlags).sorted()
        return names.reduce("Usage of \(program):\n") { text, name in
            text + "  -\(name)\(valued.contains(name) ? " string" : "")\n    \t\(name.replacing("-", with: " "))\n"
        }
    }
}
