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
    package static let countLimit = 2000

    /// What lies in the folder, sorted by name; empty when the folder is not there.
    package struct Contents: Equatable, Sendable {
        package var credentials: [Credential]
        /// There were more than `countLimit` files; the others were not looked at.
        package var isCut: Bool
    }

    /// All credentials, with what is wrong with each.
    package func read(now: Timestamp) throws(AuthError) -> Contents {
        let listing = try list()
        var loaded = listing.files.map { Self.loadOnce($0.path) }
        // The server truncates and then writes: what is not whole now may be so a moment later.
        for _ in 1..<Self.loadAttempts {
            let broken = loaded.indices.filter { if case .failure = loaded[$0] { true } else { false } }
            if broken.isEmpty { break }
            Pause.milliseconds(10)
            for index in broken { loaded[index] = Self.loadOnce(listing.files[index].path) }
        }
        let readable = zip(listing.files, loaded).map { Self.credential($0, $1, now: now) }
        let unreadable = listing.unreadable.map { item in
            Credential(name: item.name, path: item.path, mode: 0, problem: .unreadable(reason: item.reason))
        }
        return Contents(credentials: (readable + unreadable).sorted { $0.name < $1.name }, isCut: listing.isCut)
    }

    /// One `*.json` below the folder.
    struct File: Equatable, Sendable {
        let name: String
        let path: String
        let status: FileStatus
    }

    /// What a walk through the folder has found; an entry that cannot be looked at hides no other one.
    struct Listing {
        var files: [File] = []
        var unreadable: [(name: String, path: String, reason: String)] = []
        var isCut = false
    }

    func files() throws(AuthError) -> [File] { try list().files }

    private func list() throws(AuthError) -> Listing {
        var listing = Listing()
        do throws(SystemError) {
            guard try FileSystem.status(folder) != nil else { return listing }
            collect(try FileSystem.list(folder), of: folder, prefix: "", depth: 0, into: &listing)
        } catch {
            throw .system(error)
        }
        return listing
    }

    private func collect(_ names: [String], of path: String, prefix: String, depth: Int, into listing: inout Listing) {
        for name in names {
            guard listing.files.count + listing.unreadable.count < Self.countLimit else {
                listing.isCut = true
                return
            }
            do throws(SystemError) {
                // A file that went in the meantime is not an error. The server follows links to files, not to folders.
                guard let entry = try FileSystem.status(path + "/" + name, followingLinks: false) else { continue }
                if entry.kind == .directory, depth < Self.depthLimit, !name.hasPrefix(".") {
                    let inner = try FileSystem.list(path + "/" + name)
                    collect(inner, of: path + "/" + name, prefix: prefix + name + "/", depth: depth + 1, into: &listing)
                } else if name.hasSuffix(".json"), let status = try FileSystem.status(path + "/" + name),
                    status.kind == .regular
                {
                    listing.files.append(File(name: prefix + name, path: path + "/" + name, status: status))
                }
            } catch {
                listing.unreadable.append((prefix + name, path + "/" + name, error.reason))
            }
        }
    }

    private static func credential(
        _ file: File, _ loaded: Result<JSONObject, LoadProblem>, now: Timestamp
    ) -> Credential {
        var credential: Credential
        switch loaded {
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
