// SPDX-License-Identifier: MIT

package import Diagnostics
package import FetchProtocol
package import SystemIO
package import Transfer

/// Why something was not installed. Whatever was installed before is untouched.
package enum BootstrapError: Error, Equatable, Sendable {
    case noSource(tried: [SourceFailure])
    case noSourcesConfigured
    case badRepository(String)
    case badRelease(url: String)
    case noAsset(tag: String, system: String, architecture: String, names: [String])
    case ambiguousAsset(tag: String, names: [String])
    case notUploaded(tag: String, asset: String)
    case unsafeName(String)
    case digestsDisagree(asset: String, host: String, listed: String)
    case noDigest(asset: String)
    case checksumMismatch(artifact: String, expected: String, actual: String)
    case archive(name: String, ArchiveProblem)
    case anotherRunning(path: String)
    case damagedLedger(path: String)
    case nothingInstalled(name: String)
    case noOlderVersion(name: String, current: String)
    case damagedVersion(name: String, version: String)
    case badLiteLLMVersion(String)
    case poisonedLiteLLM(version: String)
    case noPython
    case installerFailed(step: String, log: String, lastLines: [String])
    case wrongLiteLLM(expected: String, found: String)
    case compression(path: String, words: String)
    case transfer(TransferError)
    case system(SystemError)
    case helper(FetchProtocolError)

    /// Why one repository of the list brought nothing.
    package struct SourceFailure: Equatable, Sendable {
        package let repository: String
        package let tag: String?
        package let reason: String
    }
}

/// What is wrong with an archive or a member of it.
package enum ArchiveProblem: Equatable, Sendable {
    case unreadable(String)
    case absolutePath(String)
    case parentPath(String)
    case symbolicLink(String)
    case hardLink(String)
    case specialFile(String)
    case unnamedMember
    case tooManyEntries(limit: Int)
    case tooLarge(limitBytes: Int)
    case bomb(ratio: Int)
    case noProgram(wanted: [String], found: [String])
    case twoPrograms(String)
    case notAProgram(String)
    case otherMachine(String)
    case empty(String)
}

extension BootstrapError: DiagnosticConvertible {
    package var diagnostic: Diagnostic {
        switch self {
        case .noSource(let tried): Self.noSource(tried)
        case .noSourcesConfigured:
            Diagnostic(
                "bootstrap/no-sources", "no repository is configured to download from",
                hints: ["list repositories in `bootstrap.cliproxy.sources`, or use `--cliproxy-repo OWNER/NAME`"])
        case .badRepository(let text):
            Diagnostic("bootstrap/bad-repository", "`\(text)` is not a repository", hints: ["write it as `owner/name`"])
        case .badRelease(let url):
            Diagnostic(
                "bootstrap/bad-release", "`\(url)` does not describe a release",
                hints: ["check `bootstrap.release_api`; it must be the address of a GitHub API"])
        case .noAsset(let tag, let system, let architecture, let names):
            Diagnostic(
                "bootstrap/no-asset", "release `\(tag)` has no file for \(system) on \(architecture)",
                notes: [names.isEmpty ? "it has no files (yet)" : "it has: " + Self.list(names)],
                hints: ["choose another version with `--cliproxy-version` or another repository with `--cliproxy-repo`"]
            )
        case .ambiguousAsset(let tag, let names):
            Diagnostic(
                "bootstrap/ambiguous-asset", "release `\(tag)` has several files for this machine: \(Self.list(names))",
                hints: ["download one and use `llm-router bootstrap download --archive FILE`"])
        case .notUploaded(let tag, let asset):
            Diagnostic(
                "bootstrap/not-uploaded", "`\(asset)` of release `\(tag)` is still being uploaded",
                hints: ["run the command again in a few minutes, or pin an older `--cliproxy-version`"])
        case .unsafeName(let name):
            Diagnostic("bootstrap/unsafe-name", "`\(name)` cannot be used as part of a file name")
        case .digestsDisagree(let asset, let host, let listed):
            Diagnostic(
                "bootstrap/digests-disagree",
                "the release host and `checksums.txt` name different sha256 for `\(asset)`",
                notes: ["host: \(host)", "checksums.txt: \(listed)"],
                hints: ["do not install it; the release may be half-published or tampered with"])
        case .noDigest(let asset):
            Diagnostic(
                "bootstrap/no-digest", "nobody says which sha256 `\(asset)` must have, so it cannot be verified",
                hints: ["if you trust the source, run the command again with `--allow-unverified`"])
        case .checksumMismatch(let artifact, let expected, let actual):
            Diagnostic(
                "bootstrap/checksum-mismatch", "the sha256 of `\(artifact)` is not the published one",
                notes: ["expected: \(expected)", "received: \(actual)", "what was received has been deleted"],
                hints: ["run `llm-router bootstrap download` again; if it repeats, do not trust the source"])
        case .archive(let name, let problem):
            Diagnostic(
                "bootstrap/\(problem.code)", "`\(name)` \(problem.words)", notes: problem.notes, hints: problem.hints)
        case .anotherRunning(let path):
            Diagnostic(
                "bootstrap/busy", "another bootstrap has been at work for a long time (it holds `\(path)`)",
                hints: ["wait until it is done, or end it, then run the command again"])
        case .damagedLedger(let path):
            Diagnostic(
                "bootstrap/ledger-unreadable", "`\(path)` does not say what is installed",
                hints: ["`llm-router bootstrap download` writes it anew"])
        case .nothingInstalled(let name):
            Diagnostic(
                "bootstrap/nothing-installed", "`\(name)` is not installed",
                hints: ["run `llm-router bootstrap download`"])
        case .noOlderVersion(let name, let current):
            Diagnostic(
                "bootstrap/no-older-version", "there is no older version of `\(name)` than \(current) to go back to")
        case .damagedVersion(let name, let version):
            Diagnostic(
                "bootstrap/damaged", "the stored \(version) of `\(name)` is no longer what was installed",
                hints: ["run `llm-router bootstrap download --force`"])
        case .badLiteLLMVersion(let version):
            Diagnostic(
                "bootstrap/bad-version", "`\(version)` is not a LiteLLM version",
                hints: ["set `bootstrap.litellm.version` to one like `\(InstallLiteLLMRequest.defaultVersion)`"])
        case .poisonedLiteLLM(let version):
            Diagnostic(
                "bootstrap/poisoned-version",
                "LiteLLM \(version) was published by an attacker and steals credentials; refused",
                notes: ["see OSV MAL-2026-2144"],
                hints: ["set `bootstrap.litellm.version` to `\(InstallLiteLLMRequest.defaultVersion)`"])
        case .noPython:
            Diagnostic(
                "bootstrap/no-python", "neither `uv` nor `python3` is in PATH, and LiteLLM needs Python",
                hints: ["`apt-get install -y python3 python3-venv`, or use the embedded gateway, which needs no Python"]
            )
        case .installerFailed(let step, let log, let lines):
            Diagnostic(
                "bootstrap/installer-failed", "\(step) failed", notes: lines + ["the whole log: `\(log)`"],
                hints: Self.hints(forLog: lines))
        case .wrongLiteLLM(let expected, let found):
            Diagnostic("bootstrap/wrong-litellm", "the installer brought LiteLLM \(found) instead of \(expected)")
        case .compression(let path, let words):
            Diagnostic("bootstrap/compression", "cannot compress `\(path)`: \(words)")
        case .transfer(let error): error.diagnostic
        case .system(let error): error.diagnostic
        case .helper(let error): error.diagnostic
        }
    }

    private static func noSource(_ tried: [SourceFailure]) -> Diagnostic {
        var notes = tried.map { failure in
            "`\(failure.repository)`\(failure.tag.map { " (\($0))" } ?? ""): \(failure.reason)"
        }
        if tried.contains(where: { $0.repository.lowercased() == "router-for-me/cliproxyapiplus" }) {
            notes.append("`router-for-me/CLIProxyAPIPlus` was removed by its owner in April 2026; others carry it on")
        }
        return Diagnostic(
            "bootstrap/no-release", "none of the configured repositories has the release", notes: notes,
            hints: [
                "name one that you trust in `bootstrap.cliproxy.sources`, or use `--cliproxy-repo OWNER/NAME`",
                "`llm-router bootstrap download --archive FILE` installs a file that you already have",
            ])
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(12).map { "`\($0)`" }.joined(separator: ", ")
        return names.count > 12 ? shown + ", …" : shown
    }

    private static func hints(forLog lines: [String]) -> [String] {
        let text = lines.joined(separator: "\n")
        if text.contains("ensurepip") || text.contains("python3-venv") {
            return ["`apt-get install -y python3-venv`, then run the command again"]
        }
        if text.contains("No matching distribution") {
            return ["the configured package index lacks a package; set another `bootstrap.litellm.version`"]
        }
        if text.contains("externally-managed") || text.contains("No module named pip") {
            return ["`apt-get install -y python3-pip python3-venv`, then run the command again"]
        }
        return ["read the log, then run the command again; pip's own configuration decides where packages come from"]
    }
}

extension ArchiveProblem {
    fileprivate var code: String {
        switch self {
        case .unreadable: "archive-unreadable"
        case .absolutePath, .parentPath, .symbolicLink, .hardLink, .specialFile, .unnamedMember: "archive-hostile"
        case .tooManyEntries, .tooLarge, .bomb: "archive-too-large"
        case .noProgram, .twoPrograms: "archive-without-program"
        case .notAProgram, .otherMachine, .empty: "not-a-program"
        }
    }

    fileprivate var words: String {
        switch self {
        case .unreadable(let reason): "is not a readable archive: \(reason)"
        case .absolutePath(let member): "has a member with an absolute path, `\(member)`; refused"
        case .parentPath(let member): "has a member that leaves its folder, `\(member)`; refused"
        case .symbolicLink(let member): "has a symbolic link, `\(member)`; refused"
        case .hardLink(let member): "has a hard link, `\(member)`; refused"
        case .specialFile(let member): "has a device or other special file, `\(member)`; refused"
        case .unnamedMember: "has a member without a readable name; refused"
        case .tooManyEntries(let limit): "has more than \(limit) members; refused"
        case .tooLarge(let limit): "unpacks to more than \(limit >> 20) MiB; refused"
        case .bomb(let ratio): "unpacks to more than \(ratio) times its size; refused"
        case .noProgram(let wanted, _):
            "does not hold the program (\(wanted.map { "`\($0)`" }.joined(separator: " or ")))"
        case .twoPrograms(let member): "holds `\(member)` twice"
        case .notAProgram(let member): "holds `\(member)`, which is not a program"
        case .otherMachine(let member): "holds `\(member)` for another kind of machine"
        case .empty(let member): "holds `\(member)`, which is empty"
        }
    }

    fileprivate var notes: [String] {
        guard case .noProgram(_, let found) = self else { return [] }
        return [found.isEmpty ? "it is empty" : "it has: " + found.map { "`\($0)`" }.joined(separator: ", ")]
    }

    fileprivate var hints: [String] {
        switch self {
        case .unreadable, .tooManyEntries, .tooLarge, .bomb, .empty, .notAProgram:
            ["check the source; run the command again with another version or repository"]
        case .absolutePath, .parentPath, .symbolicLink, .hardLink, .specialFile, .unnamedMember:
            ["do not trust this source; nothing of it has been installed"]
        case .noProgram, .twoPrograms: ["check that it is a CLIProxyAPI release; set `bootstrap.cliproxy.binary`"]
        case .otherMachine: ["get the archive for this system and processor (`uname -sm`)"]
        }
    }
}

/// Runs a step of the file system; its error becomes one of ours.
func storing<Value: ~Copyable>(_ step: () throws(SystemError) -> Value) throws(BootstrapError) -> Value {
    do throws(SystemError) { return try step() } catch { throw .system(error) }
}

/// Runs a step of the network; its error becomes one of ours.
func fetching<Value: ~Copyable>(_ step: () throws(TransferError) -> Value) throws(BootstrapError) -> Value {
    do throws(TransferError) { return try step() } catch { throw .transfer(error) }
}
