// SPDX-License-Identifier: MIT

internal import CCurl

/// What libcurl has delivered and nobody has taken yet.
final class Reception {
    private let buffer: UnsafeMutableRawBufferPointer
    private(set) var count = 0
    private(set) var headerBytes = 0
    private(set) var hasTooManyHeaders = false
    private(set) var isHeadComplete = false
    private var status = 0
    private var fields: [ResponseHead.Field] = []
    /// Whether libcurl waits for `CurlHandle.unpause`.
    var isPaused = false

    init(capacity: Int) {
        buffer = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit {
        buffer.deallocate()
    }

    var isEmpty: Bool { count == 0 }
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: buffer[..<count]) }

    /// Status and headers, once all are there.
    var head: ResponseHead? { isHeadComplete ? ResponseHead(status: status, fields: fields) : nil }

    func clear() { count = 0 }

    /// Forgets everything before the next hop.
    func restart() {
        count = 0
        headerBytes = 0
        isHeadComplete = false
        isPaused = false
        status = 0
        fields = []
    }

    func receive(_ chunk: UnsafeRawBufferPointer) -> Int {
        guard count + chunk.count <= buffer.count else {
            isPaused = true
            return Int(CURL_WRITEFUNC_PAUSE)
        }
        guard !chunk.isEmpty else { return 0 }
        UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).copyMemory(from: chunk)
        count += chunk.count
        return chunk.count
    }

    /// Takes one header line, or the empty line after the last.
    func receiveHeader(_ line: UnsafeRawBufferPointer) -> Int {
        headerBytes += line.count
        guard headerBytes <= TransferStream.headerLimitBytes else {
            hasTooManyHeaders = true
            return 0
        }
        let text = String(decoding: line, as: UTF8.self).trimmedLine
        if text.isEmpty {
            // An interim answer (1xx) is followed by the real one.
            isHeadComplete = status >= 200
        } else if !isHeadComplete, text.hasPrefix("HTTP/") {
            let parts = text.split(separator: " ", maxSplits: 2)
            status = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
            fields = []
        } else if !isHeadComplete, let colon = text.firstIndex(of: ":") {
            // Trailers come after the head and are ignored.
            let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            fields.append(ResponseHead.Field(name: text[..<colon].lowercased(), value: String(value)))
        }
        return line.count
    }
}

extension String {
    /// Without the line break and white space at the end.
    fileprivate var trimmedLine: String {
        var text = self[...]
        while let last = text.unicodeScalars.last, last.value <= 0x20 { text.unicodeScalars.removeLast() }
        return String(text)
    }
}
