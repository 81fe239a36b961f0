// SPDX-License-Identifier: MIT

/// What is downloaded and installed, and from where.
package struct BootstrapSection: Sendable {
    /// Base address of the release API; `LLM_ROUTER_RELEASE_API` wins over it.
    package var releaseAPI = "https://api.github.com"
    package var cliproxy = CLIProxyRelease()
    package var litellm = LiteLLMRelease()

    static let definition = SectionDefinition<BootstrapSection>(
        "What `bootstrap download` installs, and from where. Only what `services` uses is installed.",
        [
            .key(
                "release_api", \.releaseAPI, .httpAddress, defaultOf: BootstrapSection(),
                "Base address of the release API; `$LLM_ROUTER_RELEASE_API` wins."),
            .key(
                "cliproxy", \.cliproxy, .section(CLIProxyRelease.definition) { CLIProxyRelease() }, default: "{}",
                "The CLIProxyAPI(Plus) release."),
            .key(
                "litellm", \.litellm, .section(LiteLLMRelease.definition) { LiteLLMRelease() }, default: "{}",
                "The LiteLLM package."),
        ])

    /// Which release of CLIProxyAPI(Plus), and which repositories may have it.
    package struct CLIProxyRelease: Sendable {
        package var version = "v6.8.16-0"
        package var repository = "router-for-me/CLIProxyAPIPlus"
        /// Tried in order when `repository` is gone.
        package var sources = ["kaitranntt/CLIProxyAPIPlus", "router-for-me/CLIProxyAPI"]
        /// Name of the installed file.
        package var binary = "CLIProxyAPIPlus"

        static let definition = SectionDefinition<CLIProxyRelease>(
            "Which release of CLIProxyAPI(Plus), and which repositories may have it.",
            [
                .key(
                    "version", \.version, .text("a release tag or `latest`", pattern: tagPattern, where: isTag),
                    defaultOf: CLIProxyRelease(), "Release tag, or `latest`."),
                .key(
                    "repo", \.repository, .repository, defaultOf: CLIProxyRelease(),
                    "Where the release is looked for first."),
                .key(
                    "sources", \.sources, .list(of: .repository),
                    default: "[kaitranntt/CLIProxyAPIPlus, router-for-me/CLIProxyAPI]",
                    "Repositories tried in order, with their latest release, when `repo` is gone."),
                .key(
                    "binary", \.binary, .text("a file name", where: isFileName), defaultOf: CLIProxyRelease(),
                    "Name of the installed file in `bin`."),
            ])
    }

    /// Which LiteLLM, and how it is installed.
    package struct LiteLLMRelease: Sendable {
        package var version = "1.106.2"
        package var python = "python3"

        static let definition = SectionDefinition<LiteLLMRelease>(
            "Which LiteLLM, and how it is installed.",
            [
                .key(
                    "version", \.version, .text("a version", pattern: tagPattern, where: isTag),
                    defaultOf: LiteLLMRelease(), "Version on the package index."),
                .key(
                    "python", \.python, .string, defaultOf: LiteLLMRelease(), "Interpreter of the private environment."),
            ])
    }

    private static let tagPattern = "^[A-Za-z0-9][A-Za-z0-9._+-]*$"

    private static func isTag(_ text: String) -> Bool {
        guard let first = text.utf8.first, isAlphanumeric(first) else { return false }
        return text.utf8.allSatisfy { isAlphanumeric($0) || "._+-".utf8.contains($0) }
    }

    private static func isFileName(_ text: String) -> Bool {
        isTag(text) && text.utf8.count <= 128
    }
}

extension ValueFormat where Value == String {
    /// `owner/name`.
    fileprivate static var repository: ValueFormat {
        .text("a repository as `owner/name`", pattern: "^[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+$") { text in
            let parts = text.split(separator: "/", omittingEmptySubsequences: false)
            return parts.count == 2
                && parts.allSatisfy { part in
                    !part.isEmpty && part != "." && part != ".."
                        && part.utf8.allSatisfy { isAlphanumeric($0) || "_.-".utf8.contains($0) }
                }
        }
    }
}
