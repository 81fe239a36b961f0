// SPDX-License-Identifier: MIT

internal import LLMRouting

// What became of a connection, in the terms of routing.
extension TransportFailure {
    var attemptFailure: AttemptFailure {
        switch self {
        case .nameNotFound: AttemptFailure(.connection, message: "the host name is not known")
        case .refused: AttemptFailure(.connection, message: "the connection was refused")
        case .connectTimeout: AttemptFailure(.connectTimeout, message: "no connection in time")
        case .connectFailed: AttemptFailure(.connection, message: "the connection failed")
        case .tls(let words): AttemptFailure(.connection, message: "TLS failed: \(words.prefix(200))")
        case .staleConnection, .closedBeforeHead:
            AttemptFailure(.connection, message: "the connection was closed before an answer")
        case .cut: AttemptFailure(.streamCut, message: "the answer was cut off")
        case .malformed(let error):
            AttemptFailure(.malformedAnswer, message: "the answer is not valid HTTP: \(error.words)")
        }
    }
}
