// SPDX-License-Identifier: MIT

/// What is downloaded and installed, and from where.
package struct BootstrapSection: Sendable {
    /// Base address of the release API; `LLM_ROUTER_RELEASE_API` wins over it.
    package var releaseAPI = "https://api.github.com"
    package var retries = 4
    package var timeout = Duration.seconds(30)
    package var keptVersions = 2
    package var cliproxy = CLIProxyRelease()
    package var litellm = LiteLLMRelease()

    static let definition = SectionDefinition<BootstrapSection>(
        "What `bootstrap download` installs, and from where. Only what `services` uses is installed.",
        [
            .key(
                "release_api", \.releaseAPI, .httpAddress, defaultOf: BootstrapSection(),
                "Base address of the release API; `$LLM_ROUTER_RELEASE_API` wins."),
            .key(
                "retries", \.retries, .integer(0...20), defaultOf: BootstrapSection(),
                "Further attempts of a failed transfer."),
            .key(
                "timeout", \.timeout, .duration(.seconds(1)...Duration.seconds(3600)), defaultOf: BootstrapSection(),
                "A transfer without a byte for this long has failed."),
            .key(
                "keep", \.keptVersions, .integer(1...20), defaultOf: BootstrapSection(),
                "How many versions stay for `bootstrap rollback`."),
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
        package var extras = ["proxy"]
        package var python = "python3"
        package var indexURL: String?

        static let definition = SectionDefinition<LiteLLMRelease>(
            "Which LiteLLM, and how it is installed.",
            [
                .key(
                    "version", \.version, .text("a version", pattern: tagPattern, where: isTag),
                    defaultOf: LiteLLMRelease(), "Version on the package index."),
                .key(
                    "extras", \.extras, .list(of: .text("an extra's name", where: isFileName)), default: "[proxy]",
                    "Extras that are installed with it."),
                .key(
                    "python", \.python, .string, defaultOf: LiteLLMRelease(), "Interpreter of the private environment."),
                .optional("index_url", \.indexURL, .httpAddress, default: "the installer's own", "Package index."),
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
