// SPDX-License-Identifier: MIT

package import Diagnostics
package import JSONSyntax

/// One version of an artifact, as the lock file keeps it.
package struct InstalledArtifact: FetchValue {
    /// What the request changed.
    package enum Change: String, Sendable {
        case installed, unchanged, rolledBack = "rolled-back", listed
    }

    package let name: String
    package let version: String
    /// What a service runs: `<runtime>/bin/<file>`.
    package let path: String
    /// Where it came from: a URL, or the path of a local archive.
    package let origin: String
    /// Of the archive that was fetched; nil for what an installer of its own verified.
    package let sha256: String?
    package let sizeBytes: Int
    /// ISO-8601.
    package let installedAt: String
    /// Whether services use this version now.
    package let isCurrent: Bool
    package let change: Change

    package init(
        name: String, version: String, path: String, origin: String, sha256: String?, sizeBytes: Int,
        installedAt: String, isCurrent: Bool, change: Change
    ) {
        self.name = name
        self.version = version
        self.path = path
        self.origin = origin
        self.sha256 = sha256
        self.sizeBytes = sizeBytes
        self.installedAt = installedAt
        self.isCurrent = isCurrent
        self.change = change
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: "artifact")
        name = try fields.string("name")
        version = try fields.string("version")
        path = try fields.string("path")
        origin = try fields.string("origin")
        sha256 = try fields.optionalString("sha256")
        sizeBytes = try fields.integer("size")
        installedAt = try fields.string("installed_at")
        isCurrent = try fields.bool("current")
        change = try fields.word("change")
    }

    package var json: JSONValue {
        [
            "name": .string(name), "version": .string(version), "path": .string(path), "origin": .string(origin),
            "sha256": JSONValue(sha256), "size": .integer(sizeBytes), "installed_at": .string(installedAt),
            "current": .bool(isCurrent), "change": .string(change.rawValue),
        ]
    }
}

/// Everything that the lock file knows: by name, the newest first.
package struct ArtifactList: FetchValue {
    package let artifacts: [InstalledArtifact]

    package init(_ artifacts: [InstalledArtifact]) {
        self.artifacts = artifacts
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        var artifacts: [InstalledArtifact] = []
        for value in try FetchFields(json, of: "list").values("artifacts") {
            artifacts.append(try InstalledArtifact(json: value))
        }
        self.artifacts = artifacts
    }

    package var json: JSONValue { ["artifacts": .array(artifacts.map(\.json))] }
}

/// What became of the installed files since they were installed; a problem is an outcome here, not a failure.
package struct ArtifactVerification: FetchValue {
    package struct Item: Equatable, Sendable {
        package let name: String
        package let version: String
        package let path: String
        /// nil when the file is as it was installed.
        package let problem: Diagnostic?

        package init(name: String, version: String, path: String, problem: Diagnostic?) {
            self.name = name
            self.version = version
            self.path = path
            self.problem = problem
        }
    }

    package let items: [Item]

    package init(_ items: [Item]) {
        self.items = items
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        var items: [Item] = []
        for value in try FetchFields(json, of: "verification").values("items") {
            let fields = try FetchFields(value, of: "item")
            var problem: Diagnostic?
            if let value = fields.present("problem") { problem = try FetchLine.diagnostic(value) }
            items.append(
                Item(
                    name: try fields.string("name"), version: try fields.string("version"),
                    path: try fields.string("path"), problem: problem))
        }
        self.items = items
    }

    package var json: JSONValue {
        let values = items.map { item -> JSONValue in
            [
                "name": .string(item.name), "version": .string(item.version), "path": .string(item.path),
                "problem": item.problem.map(FetchLine.json(of:)) ?? .null,
            ]
        }
        return ["items": .array(values)]
    }
}
