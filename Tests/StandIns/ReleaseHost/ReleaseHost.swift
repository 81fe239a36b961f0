// SPDX-License-Identifier: MIT

internal import Crypto
internal import JSONSyntax
internal import StandInHTTP
internal import Synchronization

/// A release host: an API on one port, and the files behind a redirect on another port and host name.
final class ReleaseHost: Sendable {
    private struct State {
        var scenario: Scenario
        /// Requests for files on the second host.
        var downloads = 0
        var ranges: [String] = []
        var sawTokenOnAPI = false
        var leakedToken = false
    }

    static let tags = ["v6.8.17-0", "v6.8.16-0", "v6.8.15-0"]

    private let state: Mutex<State>
    private let cache = Mutex<[String: (bytes: [UInt8], sha256: String)]>([:])
    private let ports = Mutex((api: 0, files: 0))
    /// A file served as every asset, for benchmarks; nil makes small ones.
    private let fixed: [UInt8]?
    private let system: String
    private let architecture: String

    init(scenario: Scenario, fixed: [UInt8]?, system: String, architecture: String) {
        state = Mutex(State(scenario: scenario))
        self.fixed = fixed
        self.system = system
        self.architecture = architecture
    }

    func setPorts(api: Int, files: Int) {
        ports.withLock { $0 = (api, files) }
    }

    // MARK: The API

    func answerAPI(_ request: StandInRequest) -> StandInResponse {
        if request.path == "/_control" { return control(request) }
        let scenario = state.withLock { state in
            if request.header("authorization") != nil { state.sawTokenOnAPI = true }
            return state.scenario
        }
        let parts = request.path.split(separator: "/").map(String.init)
        if parts.count >= 5, parts[0] == "repos", parts[3] == "releases" {
            return release(owner: parts[1], name: parts[2], Array(parts[4...]), scenario)
        }
        if parts.count == 6, parts[2] == "releases", parts[3] == "download" {
            // The other host is the same machine under another name.
            let port = ports.withLock { scenario == .redirectLoop ? $0.api : $0.files }
            let host = scenario == .redirectLoop ? "127.0.0.1" : "localhost"
            return .redirect(to: "http://\(host):\(port)\(request.path)?X-Amz-Signature=planted")
        }
        return .json(["message": "Not Found"], status: 404)
    }

    private func release(owner: String, name: String, _ rest: [String], _ scenario: Scenario) -> StandInResponse {
        switch scenario {
        case .rateLimit:
            return .json(["message": "API rate limit exceeded"], status: 403).adding("X-RateLimit-Remaining", "0")
        case .tooManyRequests:
            return .json(["message": "slow down"], status: 429).adding("Retry-After", "7200")
        case .html: return .bytes(Array("<!DOCTYPE html><html>log in</html>".utf8), type: "text/html")
        case .hangingAPI:
            var response = StandInResponse()
            response.kind = .hang
            return response
        case .errorOnce:
            let isFirst = state.withLock { state in
                state.downloads += 1
                return state.downloads == 1
            }
            if isFirst { return .text("oops", status: 502) }
        default: break
        }
        let known = owner == "gone" ? [] : owner == "stale" ? ["v6.0.0-0"] : Self.tags
        let tag = rest == ["latest"] ? known.first : rest.count == 2 && rest[0] == "tags" ? rest[1] : nil
        guard let tag, known.contains(tag) else {
            return .json(["message": "Not Found", "status": "404"], status: 404)
        }
        return .json(description(of: tag, "\(owner)/\(name)", scenario))
    }

    private func description(of tag: String, _ repository: String, _ scenario: Scenario) -> JSONValue {
        let base = "http://127.0.0.1:\(ports.withLock { $0.api })/\(repository)/releases/download/\(tag)/"
        var assets: [JSONValue] = []
        for name in assetNames(tag, scenario) {
            let bytes = content(of: name, tag, scenario)
            var digest: JSONValue = .string("sha256:" + sha256(of: name, tag, scenario))
            switch scenario {
            case .noDigest, .partialChecksums, .starredChecksums, .unverifiable, .onlyPartialChecksums: digest = .null
            case .wrongDigest, .disagree: digest = .string("sha256:" + String(repeating: "0", count: 64))
            default: break
            }
            assets.append([
                "name": .string(name), "browser_download_url": .string(base + name), "digest": digest,
                "size": .integer(bytes.count), "state": scenario == .uploading ? "starter" : "uploaded",
            ])
        }
        if ![.noChecksums, .unverifiable, .wrongDigest].contains(scenario) {
            assets.append([
                "name": "checksums.txt", "browser_download_url": .string(base + "checksums.txt"), "digest": .null,
                "state": "uploaded",
            ])
        }
        return ["tag_name": .string(tag), "name": .string(tag), "html_url": "", "assets": .array(assets)]
    }

    private func assetNames(_ tag: String, _ scenario: Scenario) -> [String] {
        let stem = "CLIProxyAPIPlus_\(tag.dropFirst())_"
        let other = architecture == "amd64" ? "arm64" : "amd64"
        let foreign = [stem + "windows_\(architecture).zip", stem + "freebsd_\(architecture).tar.gz"]
        let twin = architecture == "arm64" ? "aarch64" : "x86_64"
        switch scenario {
        case .noAsset: return foreign + [stem + "\(system)_\(other).tar.gz"]
        case .otherSpelling: return foreign + [stem + "\(system)_\(twin).tar.gz"]
        case .twins:
            return [stem + "\(system)_\(architecture)_no-plugin.tar.gz", stem + "\(system)_\(architecture).tar.gz"]
        case .onlyNoPlugin: return [stem + "\(system)_\(architecture)_no-plugin.tar.gz"]
        case .zip: return [stem + "\(system)_\(architecture).zip"]
        default: return foreign + [stem + "\(system)_\(architecture).tar.gz", stem + "\(system)_\(other).tar.gz"]
        }
    }

    // MARK: The files

    func answerFiles(_ request: StandInRequest) -> StandInResponse {
        let parts = request.path.split(separator: "/").map(String.init)
        let (scenario, count) = state.withLock { state in
            if request.header("authorization") != nil { state.leakedToken = true }
            if let range = request.header("range") { state.ranges.append(range) }
            if parts.last != "checksums.txt" { state.downloads += 1 }
            return (state.scenario, state.downloads)
        }
        guard parts.count == 6 else { return .text("not found", status: 404) }
        if parts[5] == "checksums.txt" { return .text(checksums(parts[4], scenario)) }
        switch scenario {
        case .refusedDownload: return .text("forbidden", status: 403)
        case .missingDownload: return .text("not found", status: 404)
        default: break
        }
        // After the first request, the file is another one.
        let version = scenario == .changed && count > 1 ? "changed" : parts[4]
        let bytes = content(of: parts[5], version, scenario)
        let tag = "\"\(sha256(of: parts[5], version, scenario).prefix(16))\""
        return damaged(ranged(bytes, tag, request, scenario), bytes.count, scenario, isFirst: count == 1)
    }

    /// The whole file, or the part that was asked for.
    private func ranged(
        _ bytes: [UInt8], _ tag: String, _ request: StandInRequest, _ scenario: Scenario
    ) -> StandInResponse {
        var response: StandInResponse
        let range = request.header("range").flatMap { $0.hasPrefix("bytes=") ? Int($0.dropFirst(6).dropLast()) : nil }
        let isSame = request.header("if-range").map { $0 == tag } ?? true
        if let start = range, start < bytes.count, isSame, scenario != .noRanges {
            response = .bytes(Array(bytes[start...]), status: 206)
            let first = scenario == .wrongRange ? start + 1 : start
            response = response.adding("Content-Range", "bytes \(first)-\(bytes.count - 1)/\(bytes.count)")
        } else if let start = range, start >= bytes.count {
            response = .text("", status: 416).adding("Content-Range", "bytes */\(bytes.count)")
        } else {
            response = .bytes(bytes)
        }
        return scenario == .noValidators ? response : response.adding("ETag", tag)
    }

    private func damaged(
        _ response: StandInResponse, _ size: Int, _ scenario: Scenario, isFirst: Bool
    ) -> StandInResponse {
        var response = response
        switch scenario {
        case .cutOnce, .noRanges, .noValidators, .changed, .wrongRange:
            guard isFirst else { return response }
            response.framing = .claimedLength(size)
            response.cutAfterBytes = size / 2
        case .cutAlways:
            response.framing = .claimedLength(size)
            response.cutAfterBytes = 0
        case .resetOnce:
            guard isFirst else { return response }
            response.framing = .claimedLength(size)
            response.cutAfterBytes = size / 2
            response.ending = .reset
        case .stallOnce, .stallAlways:
            guard isFirst || scenario == .stallAlways, case .pieces(let pieces) = response.body, let all = pieces.first
            else { return response }
            let half = all.bytes.count / 2
            response.framing = .claimedLength(all.bytes.count)
            response.body = .pieces([
                .init(Array(all.bytes[..<half])), .init(Array(all.bytes[half...]), after: .seconds(3600)),
            ])
        default: break
        }
        return response
    }

    private func checksums(_ tag: String, _ scenario: Scenario) -> String {
        let marker = scenario == .starredChecksums ? " *" : "  "
        var names = assetNames(tag, scenario)
        if [.partialChecksums, .onlyPartialChecksums].contains(scenario) {
            let wanted = scenario == .partialChecksums ? "_\(system)_\(architecture).tar.gz" : "_windows_"
            names = names.filter { $0.contains(wanted) }
        }
        return names.map { sha256(of: $0, tag, scenario) + marker + $0 + "\n" }.joined()
    }

    private func content(of name: String, _ tag: String, _ scenario: Scenario) -> [UInt8] {
        archive(tag, scenario).bytes
    }

    /// Made once: debug builds take their time to write an archive.
    private func archive(_ tag: String, _ scenario: Scenario) -> (bytes: [UInt8], sha256: String) {
        let key = scenario.rawValue + " " + tag
        return cache.withLock { cache in
            if let known = cache[key] { return known }
            let bytes = fixed ?? ReleaseArchives.archive(version: String(tag.drop { $0 == "v" }), scenario)
            let made = (bytes: bytes, sha256: hexadecimal(bytes))
            cache[key] = made
            return made
        }
    }

    private func sha256(of name: String, _ tag: String, _ scenario: Scenario) -> String {
        archive(tag, scenario).sha256
    }

    private func hexadecimal(_ bytes: [UInt8]) -> String {
        SHA256.hash(data: bytes).map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }

    // MARK: Control

    private func control(_ request: StandInRequest) -> StandInResponse {
        if let word = request.parameter("scenario") {
            guard let scenario = Scenario(rawValue: word) else { return .text("no such scenario", status: 400) }
            state.withLock { $0 = State(scenario: scenario) }
        }
        return state.withLock { state in
            .json([
                "scenario": .string(state.scenario.rawValue), "downloads": .integer(state.downloads),
                "ranges": .array(state.ranges.map(JSONValue.string)), "saw_token": .bool(state.sawTokenOnAPI),
                "leaked_token": .bool(state.leakedToken),
            ])
        }
    }
}
