// SPDX-License-Identifier: MIT

package import Diagnostics

/// What can be wrong with a request for a profile.
package enum ProfileError: Error, Equatable, Sendable {
    case unknownProfile(String, known: [String])
}

extension ProfileError: DiagnosticConvertible {
    package var diagnostic: Diagnostic {
        switch self {
        case .unknownProfile(let name, let known):
            let closest = Suggestion.closest(to: name, among: known)
            let names = known.isEmpty ? "the config has none" : "the config has \(known.joined(separator: ", "))"
            return Diagnostic(
                "profile/unknown", "there is no profile `\(name)`; \(names)",
                hints: closest.map { ["did you mean `\($0)`?"] } ?? ["llm-router profile list"])
        }
    }
}
