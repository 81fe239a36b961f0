// SPDX-License-Identifier: MIT

internal import Diagnostics
public import LLMRouting
internal import SystemIO

/// Runs the Codex program for each request: the provider type `codex_cli`.
///
/// Settings: `command`, `model_flag`, `output_flag` (empty: none), `timeout`. The program gets no input, no shell and a
/// process group of its own, which is killed at the time-out or when the task is cancelled. Its arguments are visible to
/// every user of the machine: the prompt is among them, a secret never is.
public struct CodexProvider: CompletionProvider {
    static let defaultTimeout = Duration.seconds(120)
    static let startAttempts = 10
    /// What is kept of each of the program's outputs.
    static let outputLimitBytes = 4 << 20

    private let environment: [String: String]

    /// - Parameter environment: the variables that the program runs with; `PATH` finds it.
    public init(environment: [String: String]) {
        self.environment = environment
    }

    public func complete(_ request: CompletionRequest, settings: Settings) async throws -> CompletionResponse {
        let command = settings["command"]?.textValue ?? "codex"
        let arguments = Self.arguments(of: request, settings)
        let timeout =
            request.timeout > .zero ? request.timeout : settings["timeout"].flatMap(\.duration) ?? Self.defaultTimeout
        guard let path = Self.locate(command, environment["PATH"] ?? "") else { throw Self.notFound(command) }
        let spec = ProcessSpec(
            executable: path, arguments: [command] + arguments,
            environment: environment.map { "\($0.key)=\($0.value)" }.sorted())
        let result = try await Blocking.run { isCancelled in
            for attempt in 1... {
                do {
                    return try ChildProcess.capture(
                        spec, timeout: timeout, limit: Self.outputLimitBytes, separatingErrors: true,
                        isCancelled: isCancelled)
                } catch let error as SpawnError {
                    // A program that is being installed, or a machine that is out of processes, for a moment.
                    guard error.isTransient, attempt < Self.startAttempts, !isCancelled() else {
                        throw error.isMissingProgram
                            ? Self.notFound(command)
                            : CompletionFailure(.providerError, "Codex CLI not started: \(error.diagnostic.message)")
                    }
                    Pause.milliseconds(50)
                }
            }
            preconditionFailure("the last attempt returns or throws")
        }
        try Task.checkCancellation()
        return try Self.response(result, request, timeout)
    }

    /// The arguments behind the program's name.
    static func arguments(of request: CompletionRequest, _ settings: Settings) -> [String] {
        var arguments: [String] = []
        if !request.model.isEmpty { arguments += [settings["model_flag"]?.textValue ?? "--model", request.model] }
        let outputFlag = settings["output_flag"].map { $0.textValue ?? "" } ?? "--output-last-message"
        if !outputFlag.isEmpty { arguments.append(outputFlag) }
        // An argument ends at a zero byte, and one that begins with a dash would be an option of the program.
        var prompt = request.messages.last { $0.role == "user" }?.content ?? ""
        prompt = prompt.replacing("\0", with: "")
        arguments.append(prompt.hasPrefix("-") ? " " + prompt : prompt)
        return arguments
    }

    private static func locate(_ command: String, _ searchPath: String) -> String? {
        command.contains("/") ? command : ChildProcess.locate(command, searchPath: searchPath)
    }

    private static func notFound(_ command: String) -> CompletionFailure {
        CompletionFailure(.providerError, "Codex CLI binary not found: '\(command)'")
    }

    private static func response(
        _ result: ChildProcess.Captured, _ request: CompletionRequest, _ timeout: Duration
    ) throws(CompletionFailure) -> CompletionResponse {
        if result.timedOut { throw CompletionFailure(.timeout, "Codex CLI timed out after \(timeout.inSeconds)s") }
        let code: Int
        switch result.status {
        case .code(let number): code = Int(number)
        case .signal(let number, _): code = -Int(number)
        case .unknown: code = -1
        }
        guard code == 0 else {
            throw CompletionFailure(
                .providerError, "Codex CLI exited \(code): \(String(result.errors.unicodeScalars.prefix(200)))")
        }
        guard !result.isCut else {
            throw CompletionFailure(.invalidResponse, "Codex CLI printed more than \(outputLimitBytes) bytes")
        }
        let text = String(
            result.output.drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
        guard !text.isEmpty else { throw CompletionFailure(.invalidResponse, "Codex CLI returned empty output") }
        return CompletionResponse(
            text: text, usage: CompletionResponse.Usage(), model: request.model, provider: "codex_cli",
            raw: Settings([
                ("stdout", .text(result.output)), ("stderr", .text(result.errors)), ("returncode", .integer(code)),
            ]))
    }
}
