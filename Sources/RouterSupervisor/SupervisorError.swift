// SPDX-License-Identifier: MIT

package import Diagnostics
package import SystemIO

/// Why a supervisor could not begin its work.
package enum SupervisorError: Error, Equatable, Sendable {
    case runtimeDirectory(SystemError)
    case socket(SystemError)
    case system(SystemError)
}

extension SupervisorError: DiagnosticConvertible {
    package var diagnostic: Diagnostic {
        switch self {
        case .runtimeDirectory(let error):
            error.diagnostic.adding(note: "the supervisor needs a runtime folder that it may write to")
        case .socket(let error): error.diagnostic.adding(note: "commands reach the supervisor through this socket")
        case .system(let error): error.diagnostic
        }
    }
}
