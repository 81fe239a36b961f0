// SPDX-License-Identifier: MIT

internal import SystemIO

/// A file read over HTTP from front to back, however often the connection breaks.
///
/// Each new attempt asks for the rest only (`Range`, with `If-Range` where the server named its bytes) and checks that
/// the answer is that rest. A file that changed meanwhile is an error: the reader must start over.
package final class ResumingDownload {
    private let request: TransferRequest
    private let settings: TransferSettings
    private let pause: @Sendable (Duration) -> Void
    private let onRetry: (TransferError, Duration) -> Void
    private var stream: TransferStream?
    private var failures = 0
    private var isAtEnd = false
    /// Bytes of a full answer that are here already and pass unread.
    private var surplus = 0

    /// What the server calls these bytes; stored by whoever wants to go on in another process.
    package private(set) var validator: String?
    /// Bytes of the file that have been read, those of an earlier process included.
    package private(set) var offset: Int
    /// The whole size, where the server told it.
    package private(set) var totalBytes: Int?

    /// A download that breaks off again and again after a few bytes ends some day.
    private static let reconnectLimit = 200
    private var reconnects = 0

    /// - Parameters:
    ///   - offset: how many bytes are here already.
    ///   - validator: what the server called them then.
    ///   - pause: waits between attempts.
    ///   - onRetry: told why and for how long there is a pause.
    package init(
        _ request: TransferRequest, settings: TransferSettings, offset: Int = 0, validator: String? = nil,
        pause: @escaping @Sendable (Duration) -> Void = HTTPExchange.sleep,
        onRetry: @escaping (TransferError, Duration) -> Void = { _, _ in }
    ) {
        self.request = request
        self.settings = settings
        self.offset = offset
        self.validator = validator
        self.pause = pause
        self.onRetry = onRetry
    }

    /// The next bytes, valid until the next call; empty at the end.
    package func read() throws(TransferError) -> UnsafeRawBufferPointer {
        while !isAtEnd {
            do throws(TransferError) {
                let bytes = try readOnce()
                if bytes.isEmpty { break }
                offset += bytes.count
                failures = 0
                return bytes
            } catch {
                stream = nil
                surplus = 0
                try recover(from: error)
            }
        }
        isAtEnd = true
        return UnsafeRawBufferPointer(start: nil, count: 0)
    }

    private func readOnce() throws(TransferError) -> UnsafeRawBufferPointer {
        // The autoclosure of `??` would forget the type of the error.
        let stream = if let stream = self.stream { stream } else { try open() }
        self.stream = stream
        while true {
            let bytes = try stream.read()
            if bytes.isEmpty {
                guard surplus == 0, totalBytes.map({ offset >= $0 }) ?? true else {
                    throw .truncated(url: stream.location, receivedBytes: offset, expectedBytes: totalBytes)
                }
                return bytes
            }
            guard surplus > 0 else { return bytes }
            let skipped = min(surplus, bytes.count)
            surplus -= skipped
            if skipped < bytes.count { return UnsafeRawBufferPointer(rebasing: bytes[skipped...]) }
        }
    }

    private func recover(from error: TransferError) throws(TransferError) {
        failures += 1
        reconnects += 1
        guard reconnects <= Self.reconnectLimit else { throw .gaveUp(attempts: reconnects, last: error) }
        switch settings.retry.decision(after: error, failures: failures, random: .random(in: 0..<1)) {
        case .retry(let delay):
            onRetry(error, delay)
            pause(delay)
        case .giveUp: throw error.afterGivingUp(attempts: failures)
        }
    }

    // MARK: Opening

    private func open() throws(TransferError) -> TransferStream {
        var request = request
        if offset > 0 {
            request.set("Range", "bytes=\(offset)-")
            if let validator { request.set("If-Range", validator) }
        }
        let stream = try TransferStream(request, settings: settings)
        let head = stream.head
        switch head.status {
        case 206 where offset > 0: try acceptRest(head, at: stream.location)
        case 416 where offset > 0: throw .changed(url: stream.location)
        case 200: try acceptWhole(head, at: stream.location)
        default:
            throw head.failure(url: stream.location, now: .now())
                ?? .status(url: stream.location, code: head.status, retryAfter: nil)
        }
        return stream
    }

    private func acceptRest(_ head: ResponseHead, at location: String) throws(TransferError) {
        guard let range = head.contentRange, range.first == offset else {
            throw .wrongRange(url: location, header: head["content-range"])
        }
        if let new = head.validator, let known = validator, new != known { throw .changed(url: location) }
        try accept(total: range.total, at: location)
    }

    private func acceptWhole(_ head: ResponseHead, at location: String) throws(TransferError) {
        // A server without ranges sends everything again; only its own word says that it is the same.
        guard offset == 0 || (validator != nil && head.validator == validator) else { throw .changed(url: location) }
        surplus = offset
        validator = head.validator ?? validator
        try accept(total: head.contentLength, at: location)
    }

    private func accept(total: Int?, at location: String) throws(TransferError) {
        if let total, let known = totalBytes, total != known { throw .changed(url: location) }
        totalBytes = total ?? totalBytes
        if let totalBytes, totalBytes > settings.sizeLimitBytes {
            throw .tooLarge(url: location, limitBytes: settings.sizeLimitBytes)
        }
    }
}
