// SPDX-License-Identifier: MIT

/// Reads as much of an HTTP/1.x answer as a probe needs: the status, and the body up to a limit.
package struct HTTPAnswerParser: Sendable {
    package enum Progress: Equatable, Sendable {
        case needsMore
        case complete
        /// Not HTTP, or longer than anybody may send.
        case malformed
    }

    /// Of head and body together.
    package static let limit = 64 << 10

    private enum Framing {
        case untilClose
        case length(Int)
        case chunked
    }

    private var buffer: [UInt8] = []
    private var bodyStart: Int?
    private var framing = Framing.untilClose
    package private(set) var status: Int?

    package init() {}

    /// Takes the next bytes; a body cut at the limit counts as complete.
    package mutating func append(_ bytes: [UInt8]) -> Progress {
        buffer.append(contentsOf: bytes.prefix(Self.limit - buffer.count))
        while bodyStart == nil {
            guard let end = headEnd() else { return buffer.count >= Self.limit ? .malformed : .needsMore }
            guard readHead(upTo: end) else { return .malformed }
            if let status, (100...199).contains(status), status != 101 {
                // An interim answer: the real one follows.
                buffer.removeFirst(end)
                bodyStart = nil
                continue
            }
            bodyStart = end
        }
        if buffer.count >= Self.limit { return .complete }
        return isBodyComplete ? .complete : .needsMore
    }

    /// The other end has closed: what has come must be all.
    package func finish() -> Progress {
        guard bodyStart != nil else { return .malformed }
        switch framing {
        case .untilClose: return .complete
        case .length, .chunked: return isBodyComplete ? .complete : .malformed
        }
    }

    /// The body as far as it has come, without the framing of chunks.
    package var body: [UInt8] {
        guard let bodyStart else { return [] }
        let raw = buffer[bodyStart...]
        switch framing {
        case .untilClose: return Array(raw)
        case .length(let length): return Array(raw.prefix(length))
        case .chunked: return Self.chunks(raw).bytes
        }
    }

    private var isBodyComplete: Bool {
        guard let bodyStart else { return false }
        if let status, status == 204 || status == 304 { return true }
        switch framing {
        case .untilClose: return false
        case .length(let length): return buffer.count - bodyStart >= length
        case .chunked: return Self.chunks(buffer[bodyStart...]).isComplete
        }
    }

    /// The offset behind the empty line.
    private func headEnd() -> Int? {
        var index = 0
        while index + 3 < buffer.count {
            if buffer[index] == 13, buffer[index + 1] == 10, buffer[index + 2] == 13, buffer[index + 3] == 10 {
                return index + 4
            }
            index += 1
        }
        return nil
    }

    private mutating func readHead(upTo end: Int) -> Bool {
        let lines = buffer[..<end].split(separator: 10).map { String(decoding: $0.drop { $0 == 13 }, as: UTF8.self) }
        guard let first = lines.first, first.hasPrefix("HTTP/1.") else { return false }
        let parts = first.split(whereSeparator: { $0 == " " || $0 == "\r" })
        guard parts.count >= 2, let code = Int(parts[1]), (100...999).contains(code) else { return false }
        status = code
        framing = .untilClose
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].lowercased()
            let value = line[line.index(after: colon)...].filter { $0 != " " && $0 != "\r" && $0 != "\t" }.lowercased()
            if name == "transfer-encoding", value.hasSuffix("chunked") {
                framing = .chunked
            } else if name == "content-length" {
                guard let length = Int(value), length >= 0 else { return false }
                if case .chunked = framing { continue }
                framing = .length(length)
            }
        }
        return true
    }

    private static func chunks(_ raw: ArraySlice<UInt8>) -> (bytes: [UInt8], isComplete: Bool) {
        var bytes: [UInt8] = []
        var rest = raw
        while let end = rest.firstIndex(of: 10) {
            let line = String(decoding: rest[rest.startIndex..<end], as: UTF8.self)
            guard let size = Int(line.prefix { $0.isHexDigit }, radix: 16), size >= 0 else { return (bytes, true) }
            if size == 0 { return (bytes, true) }
            let data = rest[(end + 1)...]
            guard data.count >= size + 2 else { return (bytes + data.prefix(size), false) }
            bytes += data.prefix(size)
            rest = data.dropFirst(size + 2)
        }
        return (bytes, false)
    }
}
