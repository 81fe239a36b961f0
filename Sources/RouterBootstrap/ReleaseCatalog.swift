// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import FetchProtocol
internal import JSONSyntax
internal import Transfer

/// A release file that may be fetched, and what is known about its bytes.
struct ReleaseFile: Equatable, Sendable {
    let repository: String
    let version: String
    let name: String
    let url: String
    /// nil only where the operator allowed that.
    let sha256: String?
    let sizeBytes: Int?
}

/// Asks a GitHub-like API for releases.
struct ReleaseCatalog {
    /// A release with hundreds of assets is described in about a megabyte.
    private static let descriptionLimitBytes = 8 << 20

    let api: String
    let token: Secret<String>?
    let platform: HostPlatform
    let settings: TransferSettings
    let channel: FetchChannel
    let artifact: String

    /// The file of the first repository in `sources` that has the wanted release; which one is said.
    func find(
        in sources: [ReleaseSource], verification: InstallBinaryRequest.Verification
    ) throws(BootstrapError) -> ReleaseFile {
        guard !sources.isEmpty else { throw .noSourcesConfigured }
        var failures: [BootstrapError.SourceFailure] = []
        for source in sources {
            channel.progress(artifact, "resolve", "\(source.repository) \(source.tag ?? "latest")")
            guard let release = try release(of: source) else {
                failures.append(try explain(source))
                continue
            }
            if !failures.isEmpty { say(source, release, after: failures) }
            return try file(of: release, from: source, verification: verification)
        }
        throw .noSource(tried: failures)
    }

    /// nil when the host says that there is no such thing.
    private func release(of source: ReleaseSource) throws(BootstrapError) -> Release? {
        if let tag = source.tag, !FileNames.isSafe(tag) { throw .unsafeName(tag) }
        let address = try address(of: source.repository, source.tag.map { "releases/tags/\($0)" } ?? "releases/latest")
        let bytes: [UInt8]
        do throws(TransferError) {
            bytes = try exchange(limitBytes: Self.descriptionLimitBytes).getJSON(request(address))
        } catch {
            if case .notFound = error { return nil }
            throw .transfer(error)
        }
        guard let json = try? JSONParser.parse(bytes), let release = Release(json: json) else {
            throw .badRelease(url: address.redacted)
        }
        return release
    }

    /// Says whether the repository is gone or only lacks the release.
    private func explain(_ source: ReleaseSource) throws(BootstrapError) -> BootstrapError.SourceFailure {
        var reason = "no such repository, or it has no releases (404)"
        if source.tag != nil,
            let latest = try release(of: ReleaseSource(repository: source.repository, tag: nil))
        {
            reason = "no such release (404); its latest is `\(latest.tag)`"
        }
        return .init(repository: source.repository, tag: source.tag, reason: reason)
    }

    private func say(_ source: ReleaseSource, _ release: Release, after failures: [BootstrapError.SourceFailure]) {
        let notes = failures.map { "`\($0.repository)`: \($0.reason)" }
        channel.send(
            .notice(
                Diagnostic(
                    "bootstrap/other-source", "using release `\(release.tag)` of `\(source.repository)`",
                    severity: .warning, notes: notes,
                    hints: ["put it first in `bootstrap.cliproxy.sources` to skip the others"])))
    }

    private func file(
        of release: Release, from source: ReleaseSource, verification: InstallBinaryRequest.Verification
    ) throws(BootstrapError) -> ReleaseFile {
        guard FileNames.isSafe(release.version) else { throw .unsafeName(release.version) }
        let asset = try AssetChoice.asset(in: release, for: platform)
        let digest = try AssetChoice.digest(of: asset, checksums: try checksums(of: release))
        switch (digest, verification) {
        case (nil, .required): throw .noDigest(asset: asset.name)
        case (nil, .optional):
            channel.send(
                .notice(
                    Diagnostic(
                        "bootstrap/unverified",
                        "nobody says which sha256 `\(asset.name)` must have; it is not verified",
                        severity: .warning)))
        case (.some, _): break
        }
        return ReleaseFile(
            repository: source.repository, version: release.version, name: asset.name, url: asset.url, sha256: digest,
            sizeBytes: asset.sizeBytes)
    }

    /// The release's list of checksums; nil when it has none.
    private func checksums(of release: Release) throws(BootstrapError) -> ChecksumFile? {
        guard
            let asset = release.assets.first(where: { $0.name == AssetChoice.checksumsName && $0.isUploaded })
        else { return nil }
        do throws(TransferError) {
            let response = try exchange(limitBytes: 1 << 20).get(request(try TransferURL(asset.url)))
            return ChecksumFile(String(decoding: response.body, as: UTF8.self))
        } catch {
            // It was announced a moment ago; a release that is being published may have just replaced it.
            if case .notFound = error { return nil }
            throw .transfer(error)
        }
    }

    // MARK: Requests

    private func exchange(limitBytes: Int) -> HTTPExchange {
        var settings = settings
        settings.sizeLimitBytes = limitBytes
        return HTTPExchange(settings: settings)
    }

    private func address(of repository: String, _ rest: String) throws(BootstrapError) -> TransferURL {
        let parts = repository.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts.allSatisfy(FileNames.isSafe) else { throw .badRepository(repository) }
        let base = api.hasSuffix("/") ? String(api.dropLast()) : api
        return try fetching { () throws(TransferError) in try TransferURL("\(base)/repos/\(repository)/\(rest)") }
    }

    /// A request to the API or to a file; the token goes to the API's own origin only.
    func request(_ url: TransferURL) -> TransferRequest {
        var request = TransferRequest(url)
        if let token, let own = try? TransferURL(api), own.hasSameOrigin(as: url) {
            request.authorization = Secret("Bearer " + token.reveal())
        }
        if url.text.hasPrefix(api) { request.set("Accept", "application/vnd.github+json") }
        return request
    }
}
