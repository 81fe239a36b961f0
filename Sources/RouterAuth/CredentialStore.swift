// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax
package import SystemIO

/// The folder in which the server keeps one file per account.
package struct CredentialStore: Sendable {
    package let folder: String

    package init(folder: String) {
        self.folder = folder
    }

    /// A credential is a few kilobytes.
    static let sizeLimitBytes = 1 << 20
    /// The server walks all levels once at its start; deeper than this nobody has put anything on purpose.
    private static let depthLimit = 4
    /// A folder with more files was not made by logins.
    private static let countLimit = 5000

    /// All credentials, sorted by name, with what is wrong with each; empty when the folder is not there.
    package func read(now: Timestamp) throws(AuthError) -> [Credential] {
        var credentials: [Credential] = []
        for file in try files() {
            credentials.append(credential(file, now: now))
        }
        return credentials
    }

    /// One `*.json` below the folder.
    struct File: Equatable, Sendable {
        let name: String
        let path: String
        let status: FileStatus
    }

    func files() throws(AuthError) -> [File] {
        do throws(SystemError) {
            guard try FileSystem.status(folder) != nil else { return [] }
            var found: [File] = []
            try collect(folder, prefix: "", depth: 0, into: &found)
            return found
        } catch {
            throw .system(error)
        }
    }

    private func collect(_ path: String, prefix: String, depth: Int, into found: inout [File]) throws(SystemError) {
        for name in try FileSystem.list(path) where found.count < Self.countLimit {
            // A file that went in the meantime is not an error.
            guard let status = try FileSystem.status(path + "/" + name) else { continue }
            if status.kind == .directory, depth < Self.depthLimit, !name.hasPrefix(".") {
                try collect(path + "/" + name, prefix: prefix + name + "/", depth: depth + 1, into: &found)
            } else if status.kind == .regular, name.hasSuffix(".json") {
                found.append(File(name: prefix + name, path: path + "/" + name, status: status))
            }
        }
    }

    private func credential(_ file: File, now: Timestamp) -> Credential {
        var credential: Credential
        switch Self.load(file.path) {
        case .success(let object):
            credential = Credential(
                name: file.name, path: file.path, mode: file.status.mode, object: object, now: now)
        case .failure(let problem):
            credential = Credential(name: file.name, path: file.path, mode: file.status.mode, problem: problem.value)
        }
        if file.status.mode & 0o077 != 0 { credential.problems.append(.modeTooOpen(mode: file.status.mode)) }
        return credential
    }

    struct LoadProblem: Error {
        let value: Credential.Problem
    }

    /// The members of a credential file.
    static func load(_ path: String) -> Result<JSONObject, LoadProblem> {
        // The server truncates and then writes: what is not whole now may be so a moment later.
        for _ in 0..<loadAttempts {
            if case .success(let object) = loadOnce(path) { return .success(object) }
            Pause.milliseconds(10)
        }
        return loadOnce(path)
    }

    private static let loadAttempts = 3

    private static func loadOnce(_ path: String) -> Result<JSONObject, LoadProblem> {
        do {
            let value = try JSONParser.parse(try FileSystem.read(path, limit: sizeLimitBytes))
            guard let object = value.objectValue else {
                return .failure(LoadProblem(value: .malformed(reason: "it holds no JSON object")))
            }
            return .success(object)
        } catch let error as JSONError {
            return .failure(LoadProblem(value: .malformed(reason: error.diagnostic.message)))
        } catch let error as SystemError {
            return .failure(LoadProblem(value: .unreadable(reason: error.reason)))
        } catch {
            preconditionFailure("reading and parsing throw nothing else")
        }
    }
}
