// SPDX-License-Identifier: MIT

/// What the command's exit status says; the only place where numbers are given to outcomes.
package enum ExitStatus: Int32, Sendable, CaseIterable {
    /// Done, or everything asked about is healthy.
    case success = 0
    /// The operation failed, or something is unhealthy.
    case failure = 1
    /// The command line or the configuration is wrong.
    case usage = 2
    /// Ctrl-C.
    case interrupted = 130
}
