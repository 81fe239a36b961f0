// SPDX-License-Identifier: MIT

internal import CCurl
internal import Diagnostics
internal import SystemIO

/// One response, read piece by piece by whoever wants it: nothing is received faster than it is taken.
///
/// Redirects are followed here and not by libcurl, so that one place decides where they lead and what is sent there.
package final class TransferStream {
    /// What libcurl delivers at once, and what fits in between.
    private static let chunkBytes = 128 << 10
    private static let capacityBytes = 512 << 10
    /// A server may not fill the memory with headers.
    static let headerLimitBytes = 256 << 10

    private var handle: CurlHandle
    private let reception: Reception
    private let settings: TransferSettings
    private let request: TransferRequest
    private var url: TransferURL
    private var stall: StallDetector
    private var receivedBytes = 0
    private var result: CURLcode?
    /// Whether what is in the buffer has been returned by `read`.
    private var isHandedOut = false

    /// Status and headers of the last hop.
    package private(set) var head: ResponseHead

    /// Sends `request` and returns when the head of the final answer is there, whatever its status.
    package init(_ request: TransferRequest, settings: TransferSettings) throws(TransferError) {
        handle = try CurlHandle()
        reception = Reception(capacity: Self.capacityBytes)
        self.settings = settings
        self.request = request
        url = request.url
        stall = StallDetector(window: settings.stallTimeout)
        head = ResponseHead(status: 0, fields: [])
        configure()
        var redirects = RedirectPolicy(limit: settings.redirectLimit)
        try exchange()
        while head.isRedirect, settings.redirectLimit > 0 {
            url = try redirects.next(from: url, location: head["location"])
            try exchange()
        }
    }

    /// The URL that answered, for messages.
    package var location: String { url.redacted }

    /// The next bytes, valid until the next call; empty at the end of the body.
    package func read() throws(TransferError) -> UnsafeRawBufferPointer {
        // Bytes may have come together with the head, before anybody asked for them.
        if isHandedOut { reception.clear() }
        if reception.isEmpty {
            if reception.isPaused {
                reception.isPaused = false
                handle.unpause()
            }
            try pump { !reception.isEmpty }
        }
        isHandedOut = true
        receivedBytes += reception.count
        guard receivedBytes <= settings.sizeLimitBytes else {
            throw .tooLarge(url: url.redacted, limitBytes: settings.sizeLimitBytes)
        }
        return reception.bytes
    }

    // MARK: One hop

    private func exchange() throws(TransferError) {
        reception.restart()
        result = nil
        stall = StallDetector(window: settings.stallTimeout)
        handle.set(CURLOPT_URL, url.text)
        handle.set(headers: headerLines())
        setProxy()
        handle.start()
        try pump { reception.isHeadComplete }
        guard let head = reception.head else {
            throw .truncated(url: url.redacted, receivedBytes: 0, expectedBytes: nil)
        }
        self.head = head
    }

    private func headerLines() -> [String] {
        // An empty value removes the header that libcurl would add by itself.
        var lines = ["Expect:"]
        for field in request.fields { lines.append("\(field.name): \(field.value)") }
        if request.body != nil { lines.append("Content-Type: \(request.contentType)") }
        if let authorization = request.authorization, url.hasSameOrigin(as: request.url) {
            lines.append("Authorization: \(authorization.reveal())")
        }
        return lines
    }

    private func setProxy() {
        let proxy = url.scheme == "https" ? settings.proxies.https : settings.proxies.http
        // An empty string keeps libcurl from looking into the environment by itself.
        handle.set(CURLOPT_PROXY, url.isLoopback ? "" : proxy ?? "")
        handle.set(CURLOPT_NOPROXY, settings.proxies.exceptions)
    }

    private func configure() {
        let context = Unmanaged.passUnretained(reception).toOpaque()
        handle.set(CURLOPT_NOSIGNAL, 1)
        handle.set(CURLOPT_PROTOCOLS_STR, "http,https")
        handle.set(CURLOPT_FOLLOWLOCATION, 0)
        handle.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1)
        handle.set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        handle.set(CURLOPT_SSL_VERIFYPEER, 1)
        handle.set(CURLOPT_SSL_VERIFYHOST, 2)
        handle.set(CURLOPT_USERAGENT, settings.userAgent)
        handle.set(CURLOPT_BUFFERSIZE, Self.chunkBytes)
        handle.set(CURLOPT_CONNECTTIMEOUT_MS, Int(settings.connectTimeout.wholeMilliseconds))
        if let total = settings.totalTimeout { handle.set(CURLOPT_TIMEOUT_MS, Int(total.wholeMilliseconds)) }
        if let certificates = settings.certificates { handle.set(CURLOPT_CAINFO, certificates) }
        handle.set(CURLOPT_WRITEFUNCTION, receiver: receiveBody)
        handle.set(CURLOPT_WRITEDATA, pointer: context)
        handle.set(CURLOPT_HEADERFUNCTION, receiver: receiveHeader)
        handle.set(CURLOPT_HEADERDATA, pointer: context)
        if let body = request.body?.reveal() {
            handle.set(CURLOPT_POSTFIELDSIZE_LARGE, size: body.count)
            body.withUnsafeBytes { bytes in
                handle.set(CURLOPT_COPYPOSTFIELDS, pointer: UnsafeMutableRawPointer(mutating: bytes.baseAddress))
            }
        }
        if request.method != "GET" || request.body != nil { handle.set(CURLOPT_CUSTOMREQUEST, request.method) }
    }

    /// Lets libcurl work until `condition` holds or the transfer has ended.
    private func pump(until condition: () -> Bool) throws(TransferError) {
        while !condition() {
            if let result {
                if result == CURLE_OK { return }
                throw failure(result)
            }
            let before = reception.count + reception.headerBytes
            result = handle.perform()
            var gained = reception.count + reception.headerBytes - before
            if condition() || result != nil { continue }
            let start = MonotonicTime.now()
            handle.wait(atMost: max(.milliseconds(1), stall.remaining))
            let waited = MonotonicTime.now() - start
            if result == nil { result = handle.perform() }
            gained = reception.count + reception.headerBytes - before
            if stall.isStalled(waiting: waited, newBytes: gained), !condition(), result == nil {
                throw .stalled(url: url.redacted, window: settings.stallTimeout, receivedBytes: receivedBytes)
            }
        }
    }

    private func failure(_ result: CURLcode) -> TransferError {
        let words = handle.words(for: result)
        func connection(_ kind: TransferError.Connection) -> TransferError {
            .noConnection(url: url.redacted, kind, detail: words)
        }
        switch result {
        case CURLE_COULDNT_RESOLVE_HOST: return connection(.dns)
        case CURLE_COULDNT_RESOLVE_PROXY: return connection(.proxy)
        case CURLE_COULDNT_CONNECT: return connection(.refused)
        case CURLE_OPERATION_TIMEDOUT: return connection(.timeout)
        case CURLE_SSL_CONNECT_ERROR, CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM,
            CURLE_SSL_CIPHER, CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS, CURLE_SSL_PINNEDPUBKEYNOTMATCH:
            return connection(.tls)
        case CURLE_RECV_ERROR, CURLE_SEND_ERROR, CURLE_GOT_NOTHING: return connection(.reset)
        case CURLE_PARTIAL_FILE:
            return .truncated(
                url: url.redacted, receivedBytes: receivedBytes + reception.count, expectedBytes: head.contentLength)
        case CURLE_WRITE_ERROR where reception.hasTooManyHeaders:
            return .tooLarge(url: url.redacted, limitBytes: Self.headerLimitBytes)
        default: return connection(.failed)
        }
    }
}

private let receiveBody: router_curl_receive = { bytes, size, count, context in
    guard let context, let bytes else { return 0 }
    return Unmanaged<Reception>.fromOpaque(context).takeUnretainedValue().receive(
        UnsafeRawBufferPointer(start: bytes, count: size * count))
}

private let receiveHeader: router_curl_receive = { bytes, size, count, context in
    guard let context, let bytes else { return 0 }
    return Unmanaged<Reception>.fromOpaque(context).takeUnretainedValue().receiveHeader(
        UnsafeRawBufferPointer(start: bytes, count: size * count))
}
