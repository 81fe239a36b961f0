// SPDX-License-Identifier: MIT

internal import Diagnostics

/// The words of any error, for the log.
enum ErrorWords {
    static func of(_ error: any Error) -> String {
        (error as? any DiagnosticConvertible)?.diagnostic.message ?? "\(error)"
    }
}
