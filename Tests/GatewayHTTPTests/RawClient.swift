// SPDX-License-Identifier: MIT

import JSONSyntax
import NIOPosix
import SystemIO

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A client that shows exactly what came over the wire, and can misbehave.
///
/// Its calls block a thread of a pool of their own, so that they never hold up what is tested.
struct RawClient: Sendable {
    private static let threads: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 96)
        pool.start()
        return pool
    }()

    let port: Int

    static func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        try await threads.runIfActive(body)
    }

    /// Sends a POST with a JSON body and reads the whole answer.
    func post(
        _ body: JSONValue, to path: String = "/v1/chat/completions", headers: [(String, String)] = []
    ) async throws -> RawAnswer {
        try await post(text: JSONWriter.text(of: body), to: path, headers: headers)
    }

    func post(text: String, to path: String = "/v1/chat/completions", headers: [(String, String)] = []) async throws
        -> RawAnswer
    {
        try await exchange(Self.request("POST", path, text, headers))
    }

    func get(_ path: String, headers: [(String, String)] = []) async throws -> RawAnswer {
        try await exchange(Self.request("GET", path, "", headers))
    }

    /// Sends bytes as they are and reads one answer.
    func exchange(_ bytes: [UInt8]) async throws -> RawAnswer {
        let port = self.port
        return try await Self.onThread {
            let connection = try RawConnection(port: port)
            try connection.send(bytes)
            return try connection.receive()
        }
    }

    static func request(_ method: String, _ path: String, _ body: String, _ headers: [(String, String)] = []) -> [UInt8]
    {
        var text = "\(method) \(path) HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        if method != "GET" { text += "Content-Type: application/json\r\nContent-Length: \(body.utf8.count)\r\n" }
        for (name, value) in headers { text += "\(name): \(value)\r\n" }
        return Array((text + "\r\n" + body).utf8)
    }
}

/// One connection of a `RawClient`, used by one thread at a time.
final class RawConnection: @unchecked Sendable {
    // SAFETY: the descriptor is immutable and each test uses a connection from one task at a time.
    private let descriptor: OwnedDescriptor
    private var buffered: [UInt8] = []

    init(port: Int, receiveBuffer: Int32? = nil, seconds: Int = 40) throws {
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard number >= 0 else { throw SystemError.current("open a socket") }
        descriptor = OwnedDescriptor(taking: number)
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(number, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(number, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        if var receiveBuffer {
            setsockopt(number, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else { throw SystemError.current("connect") }
    }

    func send(_ bytes: [UInt8]) throws {
        var offset = 0
        while offset < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                Glibc.send(
                    descriptor.rawValue, buffer.baseAddress.map { $0 + offset }, buffer.count - offset,
                    Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw SystemError.current("send") }
            offset += count
        }
    }

    func send(_ text: String) throws {
        try send(Array(text.utf8))
    }

    /// Sends a request and reads its answer.
    func ask(_ text: String) throws -> RawAnswer {
        try send(text)
        return try receive()
    }

    /// Says that nothing more will be sent.
    func shutdownWriting() {
        shutdown(descriptor.rawValue, Int32(SHUT_WR))
    }

    /// More bytes; empty at the end.
    func more(upTo count: Int = 65536) throws -> [UInt8] {
        try descriptor.read(upTo: count)
    }

    /// Reads until `text` has come; false at the end of the connection.
    func readUntil(_ text: String) throws -> Bool {
        while !String(decoding: buffered, as: UTF8.self).contains(text) {
            let piece = try more()
            if piece.isEmpty { return false }
            buffered += piece
        }
        return true
    }

    /// Whether the other side closes within the time limit of the socket, whatever it still sends.
    func isClosedByPeer() -> Bool {
        while true {
            guard let piece = try? more() else { return errno == ECONNRESET }
            if piece.isEmpty { return true }
        }
    }

    /// Reads one whole answer.
    func receive() throws -> RawAnswer {
        while true {
            if let (answer, used) = RawAnswer.parse(buffered, isEnd: false) {
                buffered.removeFirst(used)
                return answer
            }
            let piece = try more()
            if piece.isEmpty {
                guard let (answer, _) = RawAnswer.parse(buffered, isEnd: true) else {
                    throw SystemError("read an answer", code: ECONNRESET)
                }
                return answer
            }
            buffered += piece
        }
    }
}

/// An answer as it came.
struct RawAnswer: Sendable {
    var status: Int
    var headers: [(name: String, value: String)]
    var body: [UInt8]
    /// The body ended as its framing says.
    var isWhole: Bool

    var text: String { String(decoding: body, as: UTF8.self) }
    var json: JSONValue { (try? JSONParser.parse(body)) ?? .null }

    func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name }?.value
    }

    /// The data of the stream's events.
    var events: [String] {
        text.split(separator: "\n").filter { $0.hasPrefix("data: ") }.map { String($0.dropFirst(6)) }
    }

    /// The text that the chunks of a chat stream add up to.
    var streamedText: String {
        events.compactMap { event in
            (try? JSONParser.parse(event))?["choices"]?.arrayValue?.first?["delta"]?["content"]?.stringValue
        }.joined()
    }

    var errorCode: String? { json["error"]?["code"]?.stringValue }

    /// The error that a stream ended with.
    var streamError: JSONValue? {
        events.last.flatMap { try? JSONParser.parse($0) }.flatMap { $0["error"] }
    }

    static func parse(_ bytes: [UInt8], isEnd: Bool) -> (RawAnswer, Int)? {
        guard let headEnd = find("\r\n\r\n", bytes, 0) else { return nil }
        let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).split(separator: "\r\n")
        let status = Int(lines[0].split(separator: " ")[1]) ?? 0
        let headers = lines.dropFirst().map { line in
            let pair = line.split(separator: ":", maxSplits: 1)
            return (name: String(pair[0]), value: pair.count > 1 ? String(pair[1].drop { $0 == " " }) : "")
        }
        var answer = RawAnswer(status: status, headers: headers, body: [], isWhole: false)
        let start = headEnd + 4
        if status == 100 { return parse(Array(bytes[start...]), isEnd: isEnd).map { ($0.0, $0.1 + start) } }
        if let length = answer.header("content-length").flatMap({ Int($0) }) {
            guard bytes.count >= start + length || isEnd else { return nil }
            answer.body = Array(bytes[start..<min(bytes.count, start + length)])
            answer.isWhole = answer.body.count == length
            return (answer, start + answer.body.count)
        }
        guard answer.header("transfer-encoding") == "chunked" else {
            guard isEnd else { return nil }
            answer.body = Array(bytes[start...])
            return (answer, bytes.count)
        }
        var index = start
        while let lineEnd = find("\r\n", bytes, index),
            let size = Int(String(decoding: bytes[index..<lineEnd], as: UTF8.self), radix: 16)
        {
            guard bytes.count >= lineEnd + 2 + size + 2 else { break }
            answer.body += bytes[(lineEnd + 2)..<(lineEnd + 2 + size)]
            index = lineEnd + 2 + size + 2
            if size == 0 {
                answer.isWhole = true
                return (answer, index)
            }
        }
        return isEnd ? (answer, bytes.count) : nil
    }

    private static func find(_ text: String, _ bytes: [UInt8], _ start: Int) -> Int? {
        let needle = Array(text.utf8)
        guard bytes.count >= needle.count else { return nil }
        var index = start
        while index + needle.count <= bytes.count {
            if bytes[index] == needle[0], bytes[index..<(index + needle.count)].elementsEqual(needle) { return index }
            index += 1
        }
        return nil
    }
}
