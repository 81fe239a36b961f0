// SPDX-License-Identifier: MIT

package import SystemIO

/// The secrets that the stack makes for itself, in an environment file that only its owner may read.
package enum StackSecrets {
    package static let masterKeyName = "LITELLM_MASTER_KEY"

    /// Puts a new master key into the file at `path` unless it has one; true when it was made.
    @discardableResult
    package static func ensureMasterKey(in path: String) throws(SystemError) -> Bool {
        try SecretsFile.addIfMissing(masterKeyName, to: path) { "sk-" + SecretsFile.randomHex(bytes: 32) }
    }
}
