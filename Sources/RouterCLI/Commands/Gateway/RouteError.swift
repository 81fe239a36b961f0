// SPDX-License-Identifier: MIT

internal import Diagnostics

/// Why a route cannot be explained.
enum RouteError: Error, Equatable {
    case unknownModel(String, known: [String])
    case noModel(String)
    case notJSON(String, reason: String)
    case wrongShape(String, place: [String], reason: String)
    case emptyLog(String, skipped: Int, refused: Int)
}

extension RouteError: DiagnosticConvertible {
    var diagnostic: Diagnostic {
        switch self {
        case .unknownModel(let name, let known):
            Diagnostic(
                "route/unknown-model", "no model group, alias or virtual model is called `\(name)`",
                hints: [
                    Suggestion.closest(to: name, among: known).map { "did you mean `\($0)`?" }
                        ?? "models: \(known.joined(separator: ", "))"
                ])
        case .noModel(let file):
            Diagnostic("usage/no-model", "the request in `\(file)` names no model", hints: ["name one with --model"])
        case .notJSON(let file, let reason): Diagnostic("usage/request", "`\(file)` is no JSON: \(reason)")
        case .wrongShape(let file, let place, let reason):
            Diagnostic(
                "usage/request-shape",
                "the request in `\(file)` is wrong at `\(place.joined(separator: "."))`: \(reason)")
        case .emptyLog(let file, let skipped, let refused):
            Diagnostic(
                "route/empty-log", "`\(file)` has no request that was routed",
                notes: ["lines that are no requests: \(skipped); requests refused before routing: \(refused)"],
                hints: ["take the log of the gateway: .router/runtime/process-logs/<service>.log"])
        }
    }
}
