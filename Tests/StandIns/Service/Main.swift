// SPDX-License-Identifier: MIT

import SystemIO

/// A service that misbehaves on request.
///
/// Flags: `--port P` `--host H` `--ready-after MS` `--status CODE` `--body TEXT` `--bearer TOKEN` `--hang` (accepts, never
/// answers) `--hang-after MS` `--exit-after MS` `--exit-code N` `--ignore-term` `--stop-delay MS` `--grandchild` (same
/// group) `--grandchild-session` (own session) `--print TEXT` `--flood BYTES_PER_SECOND` `--count N` (numbered lines, then
/// goes on) `--pid-file PATH` (appends a line with its pid).
@main
enum Main {
    static func main() throws {
        let options = Options(Array(CommandLine.arguments.dropFirst()))
        let service = try FakeService(options)
        try service.run()
    }
}

/// The flags, each with its value.
struct Options {
    private var values: [String: String] = [:]

    init(_ arguments: [String]) {
        var rest = arguments[...]
        while let flag = rest.popFirst() {
            let hasValue = rest.first.map { !$0.hasPrefix("--") } ?? false
            values[flag] = hasValue ? rest.popFirst() ?? "" : ""
        }
    }

    func has(_ flag: String) -> Bool { values[flag] != nil }
    func text(_ flag: String) -> String? { values[flag] }
    func number(_ flag: String) -> Int? { values[flag].flatMap { Int($0) } }
    func milliseconds(_ flag: String) -> Duration? { number(flag).map { .milliseconds($0) } }
}
