// SPDX-License-Identifier: MIT

package import Diagnostics

/// Random keys that `init` makes for a new stack, by the variable that carries them.
package struct GeneratedKeys: Sendable {
    private let values: [(name: String, value: Secret<String>)]

    /// 256 random bits for each of `names`, from the system's generator.
    package init(_ names: [String]) {
        self.init(names) { String((0..<64).map { _ in Character(String(UInt8.random(in: 0..<16), radix: 16)) }) }
    }

    /// New keys for those of `names` that `existing` lacks, so that what knows the old ones goes on working.
    package init(_ names: [String], keeping existing: [String: Secret<String>]) {
        let new = GeneratedKeys(names)
        values = new.values.map { ($0.name, existing[$0.name] ?? $0.value) }
    }

    /// Keys from another source of hex digits, such as a test's.
    package init(_ names: [String], digits: () -> String) {
        // LiteLLM takes only keys that begin like one.
        values = names.map { ($0, Secret($0 == "LITELLM_MASTER_KEY" ? "sk-" + digits() : digits())) }
    }

    package var names: [String] { values.map(\.name) }

    package subscript(name: String) -> Secret<String>? {
        values.first { $0.name == name }?.value
    }

    /// The text of `.router/secrets.env`.
    package var environmentFile: Secret<String> {
        var text = """
            # Secrets of this stack, one NAME=value a line; keep the file at mode 0600. Every service gets them.
            # Put keys of your own below, such as OPENAI_API_KEY=…, and restart the services.

            """
        for (name, value) in values { text += "\(name)=\(value.reveal())\n" }
        return Secret(text)
    }
}
