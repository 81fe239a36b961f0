// SPDX-License-Identifier: MIT

import GatewayHTTP
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

/// Whatever our framing accepts, llhttp (by NIOHTTP1) must read in the same way: method, target, headers, body, and where
/// the next request begins.
@Suite struct DifferentialFramingTests {
    private struct Message: Equatable {
        var method: String
        var target: String
        var fields: [String]
        var body: [UInt8]
    }

    @Test(arguments: [1, 2, 3, 4])
    func `llhttp agrees with every request that ours accepts`(seed: UInt64) {
        var random = SplitMix(seed)
        var accepted = 0
        for _ in 0..<3000 {
            let text = RequestMaker.make(&random)
            guard let ours = Self.ours(text) else { continue }
            accepted += 1
            // Ours may refuse a later request that llhttp still reads; what it accepts must be the same.
            let theirs = Array(Self.theirs(text).prefix(ours.count))
            #expect(theirs == ours, "bytes: \(String(decoding: text, as: UTF8.self).debugDescription)")
        }
        // A generator that is refused always would prove nothing.
        #expect(accepted > 600)
    }

    private static func ours(_ bytes: [UInt8]) -> [Message]? {
        var messages: [Message] = []
        var rest = bytes[...]
        var framing = RequestFraming()
        while !rest.isEmpty {
            let start = Array(rest)
            guard let head = try? start.withUnsafeBytes({ try framing.next($0) }) else {
                return messages.isEmpty ? nil : messages
            }
            func text(_ span: ByteSpan) -> String { String(decoding: start[span.start..<span.end], as: UTF8.self) }
            var message = Message(
                method: "\(head.method)".uppercased(), target: text(head.target),
                fields: head.fields.map { "\(text($0.name)): \(text($0.value))" }, body: [])
            rest = rest.dropFirst(head.byteCount)
            switch head.body {
            case .empty, .untilClose: break
            case .length(let count):
                guard rest.count >= count else { return messages.isEmpty ? nil : messages }
                message.body = Array(rest.prefix(count))
                rest = rest.dropFirst(count)
            case .chunked:
                guard let used = chunked(Array(rest), into: &message) else { return messages.isEmpty ? nil : messages }
                rest = rest.dropFirst(used)
            }
            messages.append(message)
            if !head.keepsAlive { break }
        }
        return messages
    }

    private static func chunked(_ bytes: [UInt8], into message: inout Message) -> Int? {
        var framing = ChunkedFraming()
        var index = 0
        while true {
            guard let step = try? bytes[index...].withUnsafeBytes({ try framing.next($0) }) else { return nil }
            switch step {
            case .incomplete: return nil
            case .framing(let count): index += count
            case .content(let count):
                message.body += bytes[index..<(index + count)]
                index += count
            case .end(let count): return index + count
            }
        }
    }

    /// llhttp leaves spaces at the end of the values that it interprets itself.
    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    private static func theirs(_ bytes: [UInt8]) -> [Message] {
        let channel = EmbeddedChannel()
        try? channel.pipeline.syncOperations.addHandler(
            ByteToMessageHandler(HTTPRequestDecoder(leftOverBytesStrategy: .dropBytes)))
        _ = try? channel.writeInbound(ByteBuffer(bytes: bytes))
        var messages: [Message] = []
        var current: Message?
        while let part = try? channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .head(let head):
                current = Message(
                    method: head.method.rawValue, target: head.uri,
                    fields: head.headers.map { "\($0.name): \(trimmed($0.value))" }, body: [])
            case .body(let piece): current?.body += Array(piece.readableBytesView)
            case .end:
                if let current { messages.append(current) }
                current = nil
            }
        }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return messages
    }
}

/// Requests that are mostly right and often odd in one place.
private enum RequestMaker {
    static func make(_ random: inout SplitMix) -> [UInt8] {
        var text: [UInt8] = []
        for _ in 0..<Int.random(in: 1...2, using: &random) { text += one(&random) }
        if Int.random(in: 0..<3, using: &random) == 0, !text.isEmpty { mutate(&text, &random) }
        return text
    }

    private static func one(_ random: inout SplitMix) -> [UInt8] {
        let method = ["GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS", "get", "BREW"].pick(
            &random, usually: 1)
        let target = ["/", "/v1/chat/completions?a=b", "/%41", "/a//b;c", "*", "http://a/", "/a#b"].pick(
            &random, usually: 1)
        let version = ["HTTP/1.1", "HTTP/1.0", "HTTP/2.0", "http/1.1"].pick(&random, usually: 0)
        let end = ["\r\n", "\n", "\r"].pick(&random, usually: 0)
        var body: [UInt8] = []
        var lines = ["Host: a"]
        switch Int.random(in: 0..<8, using: &random) {
        case 0, 1:
            body = Array(String(repeating: "x", count: Int.random(in: 0..<40, using: &random)).utf8)
            lines.append("Content-Length: \(body.count)")
        case 2, 3:
            lines.append(
                ["Transfer-Encoding: chunked", "Transfer-Encoding: Chunked", "transfer-encoding: gzip, chunked"].pick(
                    &random, usually: 0))
            body = chunks(&random)
        case 4: lines += ["Content-Length: 2", "Transfer-Encoding: chunked"]
        case 5: lines += ["Content-Length: 1", "Content-Length: 1"]
        default: break
        }
        let odd = [
            "X-A: b", "X-Empty:", "X-Tab:\ta\t", "X-Space :b", " folded", "X-Control: \u{1}", "X-High: \u{e4}",
            "Connection: close",
            "Connection: keep-alive", "Accept: */*", "Content-Length: 0", "X_Under: 1", "X!#$%&'*+-.^`|~: 1",
            "Content-Length: -1",
            "X-Long: " + String(repeating: "y", count: 300), ":", "NoColon",
        ]
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            lines.insert(odd.pick(&random, usually: 0), at: Int.random(in: 0...lines.count, using: &random))
        }
        return Array(("\(method) \(target) \(version)\(end)" + lines.map { $0 + end }.joined() + end).utf8) + body
    }

    private static func chunks(_ random: inout SplitMix) -> [UInt8] {
        var text = ""
        for _ in 0..<Int.random(in: 0...3, using: &random) {
            let count = Int.random(in: 1...20, using: &random)
            let size = [
                String(count, radix: 16), "0" + String(count, radix: 16), String(count, radix: 16) + ";a=b",
                String(count, radix: 16) + " ", "0x1",
            ].pick(&random, usually: 0)
            text += size + "\r\n" + String(repeating: "c", count: count) + ["\r\n", "\n", ""].pick(&random, usually: 0)
        }
        return Array(
            (text + ["0\r\n\r\n", "0\r\nX-T: 1\r\n\r\n", "0\r\n\n", "00\r\n\r\n"].pick(&random, usually: 0)).utf8)
    }

    private static func mutate(_ text: inout [UInt8], _ random: inout SplitMix) {
        let index = Int.random(in: 0..<text.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0:
            text[index] = [0x00, 0x09, 0x0A, 0x0D, 0x20, 0x3A, 0x7F, 0x80, 0x2C][Int.random(in: 0..<9, using: &random)]
        case 1: text.remove(at: index)
        default: text.insert([0x0A, 0x0D, 0x20, 0x30, 0x3B][Int.random(in: 0..<5, using: &random)], at: index)
        }
    }
}

extension Array {
    /// One element; two times of three the one at `usually`.
    fileprivate func pick(_ random: inout SplitMix, usually: Int) -> Element {
        Int.random(in: 0..<3, using: &random) > 0 ? self[usually] : self[Int.random(in: 0..<count, using: &random)]
    }
}

/// A generator whose seeds give the same numbers on every machine.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
