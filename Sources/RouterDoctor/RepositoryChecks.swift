// SPDX-License-Identifier: MIT

internal import SystemIO

/// Checks of what version control would publish.
package enum RepositoryChecks {
    /// Files that never belong into a commit.
    private static let sensitiveSuffixes = [
        "routertool.yaml", "cliproxyapi.yaml", ".env", "auth.json", "secrets.env", ".pem", ".key",
    ]

    /// Sensitive files among those that git tracks in `folder`; nil when it is no repository or git is missing.
    package static func trackedSensitiveFiles(in folder: String, git: String?) -> [String]? {
        guard let git, FileSystem.exists(folder) else { return nil }
        let spec = ProcessSpec(
            executable: git, arguments: ["git", "-C", folder, "ls-files", "-z", "--full-name"],
            environment: ["LC_ALL=C", "GIT_OPTIONAL_LOCKS=0"])
        guard let result = try? ChildProcess.capture(spec, timeout: .seconds(10), limit: 16 << 20), result.isSuccess
        else { return nil }
        return result.output.split(separator: "\0").map(String.init).filter(isSensitive)
    }

    static func isSensitive(_ path: String) -> Bool {
        if path.contains("examples/") || path.hasPrefix("Tests/") { return false }
        if path.hasPrefix(".router/") || path.contains("/.router/") { return true }
        let name = PathName.last(of: path)
        return sensitiveSuffixes.contains { suffix in
            suffix.hasPrefix(".") ? name.hasSuffix(suffix) : name == suffix
        }
    }

    /// Says which sensitive files are tracked and whether the generated folder ignores itself.
    package static func checks(configFolder: String, routerFolder: String, git: String?) -> [Check] {
        var checks: [Check] = []
        switch trackedSensitiveFiles(in: configFolder, git: git) {
        case nil: checks.append(Check("tracked_files", .pass, [("repository", "none")]))
        case .some(let files) where files.isEmpty: checks.append(Check("tracked_files", .pass, [("sensitive", "0")]))
        case .some(let files):
            checks += files.map { file in
                Check("tracked_files", .fail, [("path", file)], suggestion: "git rm --cached \(file)")
            }
        }
        let ignore = routerFolder + "/.gitignore"
        let isIgnored = FileSystem.exists(ignore) || !FileSystem.exists(routerFolder)
        checks.append(
            Check(
                "ignore_rules", isIgnored ? .pass : .fail, [("path", ignore)],
                suggestion: isIgnored ? nil : "llm-router init --force"))
        return checks
    }
}
