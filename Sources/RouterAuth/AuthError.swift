// SPDX-License-Identifier: MIT

package import Diagnostics
package import SystemIO

/// Why a credential could not be imported, read or changed. Logins that end without success are outcomes, not errors.
package enum AuthError: Error, Equatable, Sendable {
    case system(SystemError)
    case sourceMissing(path: String)
    case sourceMalformed(path: String, problem: String)
    case sourceHasOnlyAPIKey(path: String)
    case sourceNotLoggedIn(path: String)
    /// The folder already holds a newer login of the same account.
    case newerCredential(path: String, theirs: Timestamp, ours: Timestamp)
    /// A file of that name is there and is no credential that could be updated.
    case destinationOccupied(path: String)
    /// Another import holds the folder's lock.
    case destinationBusy(lock: String, waited: Duration)
    case configMalformed(Diagnostic)
    case configNotMapping(path: String, key: String)
    case configRefused(path: String, reason: String)
    case configChangedMeanwhile(path: String)
}

extension AuthError: DiagnosticConvertible {
    package var diagnostic: Diagnostic {
        switch self {
        case .system(let error): error.diagnostic
        case .sourceMissing(let path):
            Diagnostic(
                "auth/no-source", "there is no Codex login at `\(path)`",
                hints: [
                    "log in on a machine with a browser (`codex login`), copy `~/.codex/auth.json` here and give it with `--source`",
                    "when the Codex CLI keeps its login in the keyring, set `cli_auth_credentials_store = \"file\"` and log in again",
                ])
        case .sourceMalformed(let path, let problem):
            Diagnostic(
                "auth/malformed-source", "`\(path)` is no Codex login: \(problem)",
                hints: ["log in again with `codex login`, or run `llm-router auth codex login`"])
        case .sourceHasOnlyAPIKey(let path):
            Diagnostic(
                "auth/api-key-only", "`\(path)` holds an API key, not a ChatGPT login",
                hints: [
                    "use the key as a provider: put it into `.router/secrets.env` and name it by `os.environ/` in `litellm_base`",
                    "or log in with an account: `llm-router auth codex login`",
                ])
        case .sourceNotLoggedIn(let path):
            Diagnostic(
                "auth/not-logged-in", "`\(path)` holds no login: `tokens` is missing",
                hints: ["run `codex login` first, or `llm-router auth codex login`"])
        case .newerCredential(let path, let theirs, let ours):
            Diagnostic(
                "auth/newer-credential",
                "`\(path)` is a newer login of the same account (\(theirs.rfc3339), the source has \(ours.rfc3339))",
                hints: ["nothing to do; to go back all the same, move that file away and run the import again"])
        case .destinationOccupied(let path):
            Diagnostic(
                "auth/destination-occupied", "`\(path)` is there already and is no credential that could be updated",
                hints: ["look at it and move it away: `mv '\(path)' '\(path).old'`"])
        case .destinationBusy(let lock, let waited):
            Diagnostic(
                "auth/destination-busy",
                "another import has held `\(lock)` for \(waited.components.seconds) s; nothing was written",
                hints: ["see who it is: `fuser -v '\(lock)'`, then run the command again"])
        case .configMalformed(let diagnostic): diagnostic
        case .configNotMapping(let path, let key):
            Diagnostic("auth/proxy-config-shape", "`\(key)` in `\(path)` is no mapping, so nothing can be set in it")
        case .configRefused(let path, let reason):
            Diagnostic("auth/proxy-config-refused", "the server refused the new `\(path)`: \(reason)")
        case .configChangedMeanwhile(let path):
            Diagnostic(
                "auth/proxy-config-changed", "`\(path)` changed while it was being edited, and was left as it is",
                hints: ["run the command again"])
        }
    }
}
