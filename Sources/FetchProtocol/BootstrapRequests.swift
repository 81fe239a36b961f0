// SPDX-License-Identifier: MIT

package import Diagnostics
package import JSONSyntax

/// A repository that may have a release, tried in the order of the list.
package struct ReleaseSource: Hashable, Sendable {
    /// `owner/name`.
    package let repository: String
    /// A tag, or nil for the latest release.
    package let tag: String?

    package init(repository: String, tag: String?) {
        self.repository = repository
        self.tag = tag
    }
}

/// Fetches one program from a release, or from an archive that is already here, and installs it.
package struct InstallBinaryRequest: FetchRequest {
    package typealias Answer = InstalledArtifact

    package static let name = "bootstrap.binary"
    /// The name of CLIProxyAPI(Plus) in output, events and `--only`.
    package static let defaultArtifact = "cliproxyapi_plus"
    package static let defaultFileName = "CLIProxyAPIPlus"
    /// What the program has been called in the archives of the upstreams, best first.
    package static let defaultMembers = ["cli-proxy-api-plus", "CLIProxyAPIPlus", "cli-proxy-api", "CLIProxyAPI"]

    package enum Origin: Equatable, Sendable {
        case release(api: String, sources: [ReleaseSource], token: Secret<String>?)
        case archive(path: String)
    }

    /// What to do when the installed version is already the wanted one.
    package enum Repetition: String, Sendable {
        case keep, reinstall
    }

    /// What to do when nobody says what the archive's sha256 should be.
    package enum Verification: String, Sendable {
        case required, optional
    }

    /// Absolute; the program becomes `<runtimeDirectory>/bin/<fileName>`.
    package var runtimeDirectory: String
    package var artifact = defaultArtifact
    package var fileName = defaultFileName
    package var members = defaultMembers
    package var origin: Origin
    package var repetition = Repetition.keep
    package var verification = Verification.required

    package init(runtimeDirectory: String, origin: Origin) {
        self.runtimeDirectory = runtimeDirectory
        self.origin = origin
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: Self.name)
        runtimeDirectory = try fields.string("runtime_dir")
        artifact = try fields.string("artifact")
        fileName = try fields.string("file_name")
        members = try fields.strings("members")
        repetition = try fields.word("repetition")
        verification = try fields.word("verification")
        if let path = try fields.optionalString("archive") {
            origin = .archive(path: path)
        } else {
            var sources: [ReleaseSource] = []
            for value in try fields.values("sources") {
                let source = try FetchFields(value, of: "source")
                sources.append(
                    ReleaseSource(repository: try source.string("repository"), tag: try source.optionalString("tag")))
            }
            let token = try fields.optionalString("token").map { Secret($0) }
            origin = .release(api: try fields.string("api"), sources: sources, token: token)
        }
    }

    package var json: JSONValue {
        var object: JSONObject = [
            "runtime_dir": .string(runtimeDirectory), "artifact": .string(artifact), "file_name": .string(fileName),
            "members": .array(members.map(JSONValue.string)), "repetition": .string(repetition.rawValue),
            "verification": .string(verification.rawValue),
        ]
        switch origin {
        case .archive(let path): object["archive"] = .string(path)
        case .release(let api, let sources, let token):
            object["api"] = .string(api)
            object["sources"] = .array(
                sources.map { ["repository": .string($0.repository), "tag": JSONValue($0.tag)] })
            object["token"] = JSONValue(token?.reveal())
        }
        return .object(object)
    }
}

/// Installs a pinned LiteLLM into a private environment and writes its runner script `bin/litellm`.
package struct InstallLiteLLMRequest: FetchRequest {
    package typealias Answer = InstalledArtifact

    package static let name = "bootstrap.litellm"
    package static let artifact = "litellm"
    /// The version that the renderer's facts were checked with.
    package static let defaultVersion = "1.106.2"

    package var runtimeDirectory: String
    package var version: String
    /// `PATH`, in which `uv` and `python3` are looked for.
    package var searchPath: String
    /// The interpreter, a path or a name in `PATH`; nil means `python3`.
    package var python: String?
    /// A file that pins every package with its hashes; used when it is about `version`, else said and passed over.
    package var requirementsFile: String?
    package var repetition = InstallBinaryRequest.Repetition.keep

    package init(runtimeDirectory: String, version: String = Self.defaultVersion, searchPath: String) {
        self.runtimeDirectory = runtimeDirectory
        self.version = version
        self.searchPath = searchPath
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: Self.name)
        runtimeDirectory = try fields.string("runtime_dir")
        version = try fields.string("version")
        searchPath = try fields.string("search_path")
        python = try fields.optionalString("python")
        requirementsFile = try fields.optionalString("requirements_file")
        repetition = try fields.word("repetition")
    }

    package var json: JSONValue {
        [
            "runtime_dir": .string(runtimeDirectory), "version": .string(version),
            "search_path": .string(searchPath), "python": JSONValue(python),
            "requirements_file": JSONValue(requirementsFile), "repetition": .string(repetition.rawValue),
        ]
    }
}

/// Says what is installed, from the lock file alone.
package struct ListArtifactsRequest: FetchRequest {
    package typealias Answer = ArtifactList

    package static let name = "bootstrap.list"
    package var runtimeDirectory: String

    package init(runtimeDirectory: String) {
        self.runtimeDirectory = runtimeDirectory
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        runtimeDirectory = try FetchFields(json, of: Self.name).string("runtime_dir")
    }

    package var json: JSONValue { ["runtime_dir": .string(runtimeDirectory)] }
}

/// Reads every installed file again and compares its sha256 with the lock file.
package struct VerifyArtifactsRequest: FetchRequest {
    package typealias Answer = ArtifactVerification

    package static let name = "bootstrap.verify"
    package var runtimeDirectory: String

    package init(runtimeDirectory: String) {
        self.runtimeDirectory = runtimeDirectory
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        runtimeDirectory = try FetchFields(json, of: Self.name).string("runtime_dir")
    }

    package var json: JSONValue { ["runtime_dir": .string(runtimeDirectory)] }
}

/// Goes back to the version before the current one.
package struct RollbackRequest: FetchRequest {
    package typealias Answer = InstalledArtifact

    package static let name = "bootstrap.rollback"
    package var runtimeDirectory: String
    package var artifact: String

    package init(runtimeDirectory: String, artifact: String) {
        self.runtimeDirectory = runtimeDirectory
        self.artifact = artifact
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: Self.name)
        runtimeDirectory = try fields.string("runtime_dir")
        artifact = try fields.string("artifact")
    }

    package var json: JSONValue {
        ["runtime_dir": .string(runtimeDirectory), "artifact": .string(artifact)]
    }
}
