// SPDX-License-Identifier: MIT

package import FetchProtocol
internal import SystemIO

/// Runs requests in the fetch helper, showing its progress and notices as they come.
package struct FetchRunner: Sendable {
    private let context: AppContext
    private let helper: FetchHelper

    /// Variables that the helper and the installers it runs need; credentials are not among them.
    private static let passedVariables: Set<String> = [
        "PATH", "HOME", "TMPDIR", "LANG", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "ALL_PROXY", "http_proxy",
        "https_proxy", "no_proxy", "all_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "XDG_CACHE_HOME",
    ]
    private static let passedPrefixes = ["PIP_", "UV_", "LC_"]

    package init(_ context: AppContext) {
        self.context = context
        var variables = context.environment.filter { entry in
            Self.passedVariables.contains(entry.key) || Self.passedPrefixes.contains { entry.key.hasPrefix($0) }
        }
        if let step = context[.crashAt] { variables[EnvironmentKey.crashAt.rawValue] = step }
        helper = FetchHelper(
            executable: context.helper(FetchHelper.executableName),
            environment: variables.map { "\($0.key)=\($0.value)" }.sorted())
    }

    /// Runs `request`; the operator's own input goes to the helper when `readsInput`.
    package func run<Request: FetchRequest>(_ request: Request, readsInput: Bool = false) throws -> Request.Answer {
        let console = context.console
        defer { console.progress("") }
        let show = { (update: FetchUpdate) in
            switch update {
            case .progress(let progress): console.progress(Self.words(progress))
            case .notice(let diagnostic):
                console.progress("")
                console.report(diagnostic)
            case .value(let name, let text): console.showValue(name, text)
            case .prompt(let text):
                console.progress("")
                console.prompt(text)
            }
        }
        return try helper.run(
            request, input: readsInput ? 0 : nil, onUpdate: show, isInterrupted: { Interruption.isRequested })
    }

    private static func words(_ progress: FetchProgress) -> String {
        var text = "\(progress.item): \(progress.step)"
        if !progress.detail.isEmpty { text += " \(progress.detail)" }
        if let done = progress.doneBytes {
            text += " \(done >> 20)"
            if let total = progress.totalBytes, total > 0 {
                text += " of \(total >> 20) MiB (\(done * 100 / total) %)"
            } else {
                text += " MiB"
            }
        }
        return text
    }
}
