// SPDX-License-Identifier: MIT

internal import SystemIO

/// Checks of what version control would publish.
package enum RepositoryChecks {
    /// Files that never belong into a commit.
    private static let sensitiveSuffixes = [
        "routertool.yaml", "cliproxyapi.yaml", ".env", "auth.json", "secrets.env", ".pem", ".key",
    ]

    /// What git tracks that it should not.
    package enum Tracked: Equatable, Sendable {
        case noRepository
        /// Relative to the top of the repository.
        case files([String], top: String)
        /// git could not say.
        case unknown(reason: String)
    }

    /// How git is asked.
    package struct Git: Sendable {
        private let executable: String
        /// Whose `safe.directory` settings count.
        private let home: String?

        package init(executable: String, home: String?) {
            self.executable = executable
            self.home = home
        }

        func run(in folder: String, _ arguments: [String]) throws -> ChildProcess.Captured {
            let spec = ProcessSpec(
                executable: executable, arguments: ["git", "-C", folder] + arguments,
                environment: ["LC_ALL=C", "GIT_OPTIONAL_LOCKS=0"] + (home.map { ["HOME=\($0)"] } ?? []))
            return try ChildProcess.capture(spec, timeout: .seconds(10), limit: 64 << 20, separatingErrors: true)
        }
    }

    /// Sensitive files among all that git tracks in the repository that `folder` lies in.
    package static func trackedSensitiveFiles(in folder: String, git: Git?) -> Tracked {
        guard let git, FileSystem.exists(folder) else {
            return isInRepository(folder) ? .unknown(reason: "git-missing") : .noRepository
        }
        do {
            let place = try git.run(in: folder, ["rev-parse", "--show-toplevel"])
            guard place.isSuccess else {
                return place.errors.contains("not a git repository (") ? .noRepository : .unknown(reason: reason(place))
            }
            let top = String(place.output.dropLast(place.output.hasSuffix("\n") ? 1 : 0))
            let list = try git.run(in: top, ["ls-files", "-z", "--full-name"])
            guard list.isSuccess, !list.isCut else { return .unknown(reason: reason(list)) }
            return .files(list.output.split(separator: "\0").map(String.init).filter(isSensitive), top: top)
        } catch {
            return .unknown(reason: "git-not-run")
        }
    }

    private static func reason(_ result: ChildProcess.Captured) -> String {
        if result.timedOut { return "git-timed-out" }
        if result.isCut { return "too-many-files" }
        let line = result.errors.split(separator: "\n").first.map(String.init) ?? "git-failed"
        return line.hasPrefix("fatal: ") ? String(line.dropFirst(7)) : line
    }

    private static func isInRepository(_ folder: String) -> Bool {
        var folder = folder
        while !FileSystem.exists(folder + "/.git") {
            guard folder != "/" else { return false }
            folder = PathName.parent(of: folder)
        }
        return true
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
    package static func checks(configFolder: String, routerFolder: String, git: Git?) -> [Check] {
        var checks: [Check] = []
        switch trackedSensitiveFiles(in: configFolder, git: git) {
        case .noRepository: checks.append(Check("tracked_files", .pass, [("repository", "none")]))
        case .unknown(let reason): checks.append(Check("tracked_files", .warn, [("reason", reason)]))
        case .files(let files, _) where files.isEmpty:
            checks.append(Check("tracked_files", .pass, [("sensitive", "0")]))
        case .files(let files, let top):
            checks += files.map { file in
                Check(
                    "tracked_files", .fail, [("path", file)], suggestion: "git -C \(top) rm --cached -- \(file)")
            }
        }
        checks.append(ignoreRules(routerFolder, git: git))
        return checks
    }

    /// The generated keys must not be offered to the next commit.
    private static func ignoreRules(_ folder: String, git: Git?) -> Check {
        let ignore = folder + "/.gitignore"
        let isOurs = PathName.last(of: folder) == PrivateDirectory.stackFolderName
        // A folder that others use as well has no ignore file of ours; git itself says what is ignored there.
        let isIgnored =
            FileSystem.exists(ignore) || !FileSystem.exists(folder) || !isOurs && !offersSecrets(in: folder, git: git)
        let command = isOurs ? "llm-router init --force" : "echo secrets.env >> \(ignore)"
        return Check(
            "ignore_rules", isIgnored ? .pass : .fail, [("path", ignore)], suggestion: isIgnored ? nil : command)
    }

    /// Whether the folder lies in a repository that does not ignore `secrets.env`.
    private static func offersSecrets(in folder: String, git: Git?) -> Bool {
        guard isInRepository(folder) else { return false }
        return (try? git?.run(in: folder, ["check-ignore", "-q", "secrets.env"]).isSuccess) != true
    }
}
