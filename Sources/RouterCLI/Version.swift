// SPDX-License-Identifier: MIT

/// The version of the project: the only place where it stands.
package enum Version {
    package static let number = "0.1.0"
    package static let line = "llm-router \(number)"
}
