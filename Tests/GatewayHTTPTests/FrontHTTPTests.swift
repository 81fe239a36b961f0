// SPDX-License-Identifier: MIT

import GatewayHTTP
import Glibc
import Synchronization
import SystemIO
import TestSupport
import Testing

/// What a front makes of unusual requests and answers.
@Suite struct FrontHTTPTests {
    /// Answers each connection with fixed bytes and closes it.
    private final class FixedUpstream: Sendable {
        let port: Int
        private let socket: Int32
        private let heard = Mutex<[String]>([])

        init(_ answer: String) throws {
            socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            var length = socklen_t(MemoryLayout<sockaddr_in>.size)
            let number = socket
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    bind(number, $0, length) == 0 && listen(number, 16) == 0 && getsockname(number, $0, &length) == 0
                }
            }
            try #require(isBound)
            port = Int(UInt16(bigEndian: address.sin_port))
            try BackgroundThread.start { [self] in
                while case let client = accept(socket, nil, nil), client >= 0 { serve(client, answer) }
            }
        }

        deinit { close(socket) }

        func stop() { shutdown(socket, Int32(SHUT_RDWR)) }

        var requests: [String] { heard.withLock { $0 } }

        private func serve(_ client: Int32, _ answer: String) {
            var buffer = [UInt8](repeating: 0, count: 65_536)
            let count = recv(client, &buffer, buffer.count, 0)
            heard.withLock { $0.append(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)) }
            _ = answer.withCString { send(client, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
            shutdown(client, Int32(SHUT_WR))
            while recv(client, &buffer, buffer.count, 0) > 0 {}
            close(client)
        }
    }

    /// What a front in front of `answer` sends back for `request` until it closes, and what came out behind it.
    private func exchange(_ request: String, answer: String) async throws -> (text: String, requests: [String]) {
        try await RawClient.onThread {
            let upstream = try FixedUpstream(answer)
            defer { upstream.stop() }
            let scratch = try ScratchFolder()
            try scratch.write("target.json", "{\"schema\": 1, \"slot\": \"a\", \"port\": \(upstream.port)}")
            var options = FrontServer.Options(target: scratch.path("target.json"))
            options.port = 0
            options.patience = .milliseconds(200)
            let front = try FrontServer(options)
            defer { front.drain(within: .seconds(2)) }
            let connection = try RawConnection(port: front.port)
            try connection.send(request)
            var text = ""
            while case let piece = try connection.more(), !piece.isEmpty {
                text += String(decoding: piece, as: UTF8.self)
            }
            return (text, upstream.requests)
        }
    }

    private let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"

    @Test func `a head without a length is followed by nothing`() async throws {
        let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        let (text, _) = try await exchange("HEAD /x HTTP/1.1\r\nHost: a\r\n\r\n", answer: head)
        #expect(text.hasPrefix("HTTP/1.1 200"))
        #expect(text.hasSuffix("\r\n\r\n"))
        #expect(!text.contains("\r\n0\r\n"))
    }

    @Test func `a client of HTTP 1.0 gets no chunks`() async throws {
        let (text, _) = try await exchange("GET /x HTTP/1.0\r\n\r\n", answer: chunked)
        #expect(text.hasPrefix("HTTP/1.0 200"), "\(text)")
        #expect(!text.lowercased().contains("transfer-encoding"))
        #expect(text.hasSuffix("\r\n\r\nhello"))
    }

    @Test func `an answer of HTTP 1.0 is framed for the client`() async throws {
        let (text, _) = try await exchange(
            "GET /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", answer: "HTTP/1.0 200 OK\r\n\r\nhello")
        #expect(text.hasPrefix("HTTP/1.1 200"), "\(text)")
        #expect(text.lowercased().contains("transfer-encoding: chunked"))
        #expect(text.hasSuffix("5\r\nhello\r\n0\r\n\r\n"))
    }

    @Test func `requests that are sent ahead are all answered`() async throws {
        let request = { (path: String, more: String) in "GET \(path) HTTP/1.1\r\nHost: a\r\n\(more)\r\n" }
        let (text, requests) = try await exchange(
            request("/x", "") + request("/y", "") + request("/z", "Connection: close\r\n"), answer: chunked)
        #expect(text.split(separator: "hello").count == 4, "\(text)")
        #expect(requests.map { $0.prefix(6) } == ["GET /x", "GET /y", "GET /z"])
    }

    @Test func `a list of hop-by-hop headers takes away neither frame nor address`() async throws {
        let (_, requests) = try await exchange(
            "POST /x HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer k\r\nX-Hop: 1\r\nContent-Length: 2\r\n"
                + "Connection: close, host, authorization, content-length, x-hop\r\n\r\nhi", answer: chunked)
        let request = try #require(requests.first).lowercased()
        for line in ["host: a", "authorization: bearer k", "content-length: 2", "connection: close"] {
            #expect(request.contains("\r\n\(line)\r\n"), "\(request)")
        }
        #expect(!request.contains("x-hop"))
    }

    @Test func `a switch of protocols that nobody asked for is refused`() async throws {
        let (text, _) = try await exchange(
            "GET /x HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
            answer: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
        #expect(text.hasPrefix("HTTP/1.1 502"), "\(text)")
    }

    @Test func `only an expectation that is known is met`() async throws {
        let old = try await exchange(
            "POST /x HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi", answer: chunked)
        #expect(old.text.hasPrefix("HTTP/1.0 200"), "\(old.text)")
        let known = try await exchange(
            "POST /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi",
            answer: chunked)
        #expect(known.text.hasPrefix("HTTP/1.1 100 Continue\r\n"), "\(known.text)")
        #expect(known.text.contains("HTTP/1.1 200"))
    }

    @Test func `without anybody behind it the answer says so`() async throws {
        let answer = try await RawClient.onThread {
            let scratch = try ScratchFolder()
            var options = FrontServer.Options(target: scratch.path("none.json"))
            options.port = 0
            options.patience = .milliseconds(100)
            let front = try FrontServer(options)
            defer { front.drain(within: .seconds(2)) }
            return try RawConnection(port: front.port).ask("GET /x HTTP/1.1\r\nHost: a\r\n\r\n")
        }
        #expect(answer.status == 503)
        #expect(answer.text.contains("nothing behind this address accepts connections"))
    }
}
