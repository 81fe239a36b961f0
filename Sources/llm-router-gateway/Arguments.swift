// SPDX-License-Identifier: MIT

/// The command line of the gateway's executable, which `llm-router gateway …` runs.
struct Arguments {
    enum Command: String {
        case serve, check, front
    }

    var command: Command
    var config: String?
    var host: String?
    var port: Int?
    var loops: Int?
    /// A listening socket that the process before this one hands over.
    var inheritedSocket: Int32?
    /// That process.
    var predecessor: Int32?
    /// The file that names the process behind a front.
    var target: String?
    var wantsJSON = false

    static let usage = """
        usage: llm-router-gateway serve --config FILE [--host HOST] [--port PORT] [--threads N]
               llm-router-gateway check --config FILE [--output text|json]
               llm-router-gateway front --target FILE [--host HOST] [--port PORT]

        """

    /// Reads the arguments behind the program's name; a text says what is wrong with them.
    static func parse(_ words: [String]) -> Result<Arguments, UsageError> {
        guard let first = words.first, let command = Command(rawValue: first) else {
            return .failure(UsageError(words: words.isEmpty ? "a command is missing" : "unknown command `\(words[0])`"))
        }
        var arguments = Arguments(command: command)
        var rest = words.dropFirst()
        while let option = rest.popFirst() {
            let pair = option.split(separator: "=", maxSplits: 1).map(String.init)
            guard let value = pair.count == 2 ? pair[1] : rest.popFirst() else {
                return .failure(UsageError(words: "`\(option)` needs a value"))
            }
            guard arguments.set(pair[0], value) else {
                return .failure(UsageError(words: "`\(pair[0]) \(value)` is not understood"))
            }
        }
        switch command == .front ? arguments.target : arguments.config {
        case .some: return .success(arguments)
        case nil:
            let option = command == .front ? "--target" : "--config"
            return .failure(UsageError(words: "`\(option) FILE` is missing"))
        }
    }

    private mutating func set(_ option: String, _ value: String) -> Bool {
        switch option {
        case "--config": config = value
        case "--target": target = value
        case "--host": host = value
        case "--port":
            guard let number = Int(value), (0...65535).contains(number) else { return false }
            port = number
        case "--threads":
            guard let number = Int(value), (1...256).contains(number) else { return false }
            loops = number
        case "--inherit-socket":
            guard let number = Int32(value), number > 2 else { return false }
            inheritedSocket = number
        case "--replaces":
            guard let number = Int32(value), number > 1 else { return false }
            predecessor = number
        case "--output":
            guard ["text", "json"].contains(value) else { return false }
            wantsJSON = value == "json"
        default: return false
        }
        return true
    }
}

/// What is wrong with a command line.
struct UsageError: Error {
    let words: String
}
