// SPDX-License-Identifier: MIT

import StandInHTTP
import Synchronization
import SystemIO
import TestSupport
import Testing
import Transfer

/// Collects what happened, from any thread.
final class Recorder: Sendable {
    private let values = Mutex<[Duration]>([])

    func add(_ value: Duration) { values.withLock { $0.append(value) } }
    var all: [Duration] { values.withLock { $0 } }
    var count: Int { all.count }
}

struct ResumingDownloadTests {
    private static let body = (0..<600_000).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 9) }

    private static var settings: TransferSettings {
        var settings = TransferSettings()
        settings.stallTimeout = .seconds(20)
        settings.retry = RetryPolicy(attempts: 3, firstDelay: .milliseconds(1), longestDelay: .milliseconds(2))
        return settings
    }

    private func server(_ handler: @escaping StandInServer.Handler) async throws -> StandInServer {
        try await StandInServer.start(handler: handler)
    }

    /// Reads everything from `offset` on.
    private func download(
        _ server: StandInServer, offset: Int = 0, validator: String? = nil, limit: Int = 1 << 30
    ) async throws -> [UInt8] {
        let url = try TransferURL(server.baseURL + "/file")
        return try await blocking {
            var settings = Self.settings
            settings.sizeLimitBytes = limit
            let download = ResumingDownload(
                TransferRequest(url), settings: settings, offset: offset, validator: validator, pause: { _ in })
            var bytes: [UInt8] = []
            while case let chunk = try download.read(), !chunk.isEmpty { bytes.append(contentsOf: chunk) }
            return bytes
        }
    }

    /// Answers ranges properly and cuts every answer after `piece` bytes.
    private static func piecewise(_ request: StandInRequest, piece: Int, tag: String = "\"a\"") -> StandInResponse {
        let start = request.header("range").flatMap { Int($0.dropFirst(6).dropLast()) } ?? 0
        let rest = Array(body[start...])
        var response = StandInResponse(status: start > 0 ? 206 : 200, body: .pieces([.init(rest)]))
        response.framing = .claimedLength(rest.count)
        if rest.count > piece { response.cutAfterBytes = piece }
        response = response.adding("ETag", tag)
        guard start > 0 else { return response }
        return response.adding("Content-Range", "bytes \(start)-\(body.count - 1)/\(body.count)")
    }

    @Test func `a connection that breaks again and again still brings every byte once`() async throws {
        let server = try await server { Self.piecewise($0, piece: 70_000) }
        #expect(try await download(server) == Self.body)
        let requests = server.requests
        #expect(requests.count > 5)
        #expect(requests.dropFirst().allSatisfy { $0.header("if-range") == "\"a\"" })
    }

    @Test func `goes on from an offset of an earlier process`() async throws {
        let server = try await server { Self.piecewise($0, piece: .max) }
        #expect(try await download(server, offset: 599_000, validator: "\"a\"") == Array(Self.body[599_000...]))
    }

    @Test func `a server without ranges sends all again, and what is known passes unread`() async throws {
        let server = try await server { _ in
            StandInResponse.bytes(Self.body).adding("ETag", "\"a\"")
        }
        #expect(try await download(server, offset: 100_000, validator: "\"a\"") == Array(Self.body[100_000...]))
    }

    @Test func `other bytes than those that are here are refused`() async throws {
        let server = try await server { _ in StandInResponse.bytes(Self.body).adding("ETag", "\"b\"") }
        await #expect(throws: TransferError.changed(url: server.baseURL + "/file")) {
            try await download(server, offset: 100, validator: "\"a\"")
        }
        let renamed = try await self.server { Self.piecewise($0, piece: .max, tag: "\"b\"") }
        await #expect(throws: TransferError.changed(url: renamed.baseURL + "/file")) {
            try await download(renamed, offset: 100, validator: "\"a\"")
        }
    }

    @Test func `another part than the one asked for is refused`() async throws {
        let server = try await server { _ in
            StandInResponse(status: 206, body: .pieces([.init(Self.body)])).adding(
                "Content-Range", "bytes 0-599999/600000")
        }
        await #expect(throws: TransferError.self) { try await download(server, offset: 100) }
    }

    @Test func `an announced size over the limit is refused before it is read`() async throws {
        let server = try await server { _ in StandInResponse.bytes(Self.body) }
        let url = server.baseURL + "/file"
        await #expect(throws: TransferError.tooLarge(url: url, limitBytes: 1000)) {
            try await download(server, limit: 1000)
        }
    }

    @Test func `no progress at all ends after a few attempts`() async throws {
        let server = try await server { request in
            var response = Self.piecewise(request, piece: .max)
            response.cutAfterBytes = 0
            return response
        }
        let error = await #expect(throws: TransferError.self) { try await download(server) }
        guard case .gaveUp(3, .truncated)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}

struct ChecksumTests {
    @Test func `digests are those of the standard`() throws {
        #expect(Checksum.of([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(Checksum.of(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let scratch = try ScratchFolder()
        let path = try scratch.write("file", [UInt8](repeating: 97, count: 1_000_000))
        let found = try Checksum.ofFile(path)
        #expect(found.sha256 == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
        #expect(found.sizeBytes == 1_000_000)
    }
}
