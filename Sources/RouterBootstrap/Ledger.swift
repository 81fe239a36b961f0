// SPDX-License-Identifier: MIT

package import FetchProtocol
package import JSONSyntax
internal import SystemIO

/// What is installed: the content of `bootstrap.lock.json`.
package struct Ledger: Equatable, Sendable {
    /// One installed version.
    package struct Version: Equatable, Sendable {
        package let version: String
        /// The URL or the path of the archive it came from.
        package let origin: String
        /// Of the archive; of the requirements for what pip installed.
        package let sha256: String?
        package let sizeBytes: Int
        package let installedAt: String
        /// Relative to the runtime folder: the stored program, or the folder of an environment.
        package let stored: String
        /// Of the program itself, so that it can be verified without its archive.
        package let programSHA256: String?

        package init(
            version: String, origin: String, sha256: String?, sizeBytes: Int, installedAt: String, stored: String,
            programSHA256: String?
        ) {
            self.version = version
            self.origin = origin
            self.sha256 = sha256
            self.sizeBytes = sizeBytes
            self.installedAt = installedAt
            self.stored = stored
            self.programSHA256 = programSHA256
        }
    }

    /// All versions of one artifact that are on disk.
    package struct Entry: Equatable, Sendable {
        package let name: String
        /// Relative to the runtime folder: what services run.
        package let program: String
        /// The `stored` of the version that `program` is now.
        package var current: String
        /// Those in use before come first, in the order of their use.
        package var versions: [Version]

        package init(name: String, program: String, current: String, versions: [Version]) {
            self.name = name
            self.program = program
            self.current = current
            self.versions = versions
        }

        package var currentVersion: Version? { versions.first { $0.stored == current } }

        /// The version to go back to: the one in use before.
        package var previous: Version? { versions.first { $0.stored != current } }
    }

    /// The current and the one before.
    static let keptVersions = 2
    /// A ledger has a few kilobytes; anything large is not ours.
    static let limitBytes = 1 << 20

    package private(set) var entries: [Entry]

    package init(entries: [Entry] = []) {
        self.entries = entries
    }

    package subscript(name: String) -> Entry? { entries.first { $0.name == name } }

    package mutating func set(_ entry: Entry) {
        if let index = entries.firstIndex(where: { $0.name == entry.name }) {
            entries[index] = entry
        } else {
            entries.append(entry)
            entries.sort { $0.name < $1.name }
        }
    }

    /// Records a version that is on disk but not in use yet.
    package mutating func add(_ version: Version, to name: String, program: String) {
        var entry = self[name] ?? Entry(name: name, program: program, current: "", versions: [])
        entry.versions.removeAll { $0.stored == version.stored }
        entry.versions.append(version)
        set(entry)
    }

    /// Makes the stored version the current one; what falls out of the kept versions is returned for removal.
    package mutating func activate(_ stored: String, of name: String) -> [Version] {
        guard var entry = self[name] else { return [] }
        entry.current = stored
        let ordered = entry.versions.filter { $0.stored == stored } + entry.versions.filter { $0.stored != stored }
        entry.versions = Array(ordered.prefix(Self.keptVersions))
        set(entry)
        return Array(ordered.dropFirst(Self.keptVersions))
    }

    // MARK: JSON

    package init(json: JSONValue) throws(FetchProtocolError) {
        var entries: [Entry] = []
        for value in try FetchFields(json, of: "bootstrap.lock.json").values("artifacts") {
            let fields = try FetchFields(value, of: "artifact")
            var versions: [Version] = []
            for value in try fields.values("versions") { versions.append(try Self.version(value)) }
            entries.append(
                Entry(
                    name: try fields.string("name"), program: try fields.string("program"),
                    current: try fields.string("current"), versions: versions))
        }
        self.entries = entries
    }

    package var json: JSONValue {
        let artifacts = entries.map { entry -> JSONValue in
            [
                "name": .string(entry.name), "program": .string(entry.program), "current": .string(entry.current),
                "versions": .array(entry.versions.map(Self.json(of:))),
            ]
        }
        return ["schema": 1, "artifacts": .array(artifacts)]
    }

    private static func version(_ value: JSONValue) throws(FetchProtocolError) -> Version {
        let fields = try FetchFields(value, of: "version")
        return Version(
            version: try fields.string("version"), origin: try fields.string("url"),
            sha256: try fields.optionalString("sha256"), sizeBytes: try fields.integer("size"),
            installedAt: try fields.string("installed_at"), stored: try fields.string("stored"),
            programSHA256: try fields.optionalString("program_sha256"))
    }

    private static func json(of version: Version) -> JSONValue {
        [
            "version": .string(version.version), "url": .string(version.origin), "sha256": JSONValue(version.sha256),
            "size": .integer(version.sizeBytes), "installed_at": .string(version.installedAt),
            "stored": .string(version.stored), "program_sha256": JSONValue(version.programSHA256),
        ]
    }
}
