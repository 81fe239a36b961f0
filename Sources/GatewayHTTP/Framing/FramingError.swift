// SPDX-License-Identifier: MIT

/// Why bytes are refused as HTTP/1.1. What another reader could understand differently is never guessed at.
package enum FramingError: Error, Equatable, Sendable {
    case invalidStartLine
    case unsupportedMethod
    case unsupportedVersion
    case bareLineFeed
    case foldedHeader
    case invalidHeaderName
    case invalidHeaderValue
    case headersTooLarge(limit: Int)
    case tooManyHeaders(limit: Int)
    case missingHost
    case repeatedHost
    case invalidContentLength
    case repeatedContentLength
    case lengthWithTransferEncoding
    case unsupportedTransferEncoding
    case invalidChunk
    case invalidTrailer
    case bodyTooLarge(limit: Int)
    case unsupportedExpectation
    case unexpectedProtocolSwitch
    case tooManyInterimAnswers
}

extension FramingError {
    /// The status a client is answered with; the connection is closed after it, since nobody knows where the next request begins.
    package var status: Int {
        switch self {
        case .headersTooLarge, .tooManyHeaders: 431
        case .bodyTooLarge: 413
        case .unsupportedVersion: 505
        case .unsupportedMethod, .unsupportedTransferEncoding: 501
        case .unsupportedExpectation: 417
        case .invalidStartLine, .bareLineFeed, .foldedHeader, .invalidHeaderName, .invalidHeaderValue, .missingHost,
            .repeatedHost, .invalidContentLength, .repeatedContentLength, .lengthWithTransferEncoding, .invalidChunk,
            .invalidTrailer, .unexpectedProtocolSwitch, .tooManyInterimAnswers:
            400
        }
    }

    /// What is wrong, in words that name no byte the peer sent.
    package var words: String {
        switch self {
        case .invalidStartLine: "the start line is not valid HTTP/1.1"
        case .unsupportedMethod: "the request method is not supported"
        case .unsupportedVersion: "only HTTP/1.0 and HTTP/1.1 are spoken here"
        case .bareLineFeed: "a line of the head does not end with CR LF"
        case .foldedHeader: "a header is continued on a second line"
        case .invalidHeaderName: "a header name has a character that is not allowed"
        case .invalidHeaderValue: "a header value has a control character"
        case .headersTooLarge(let limit): "the headers are larger than \(limit) bytes"
        case .tooManyHeaders(let limit): "there are more than \(limit) headers"
        case .missingHost: "the Host header is missing"
        case .repeatedHost: "there is more than one Host header"
        case .invalidContentLength: "Content-Length is not a number of bytes"
        case .repeatedContentLength: "there is more than one Content-Length"
        case .lengthWithTransferEncoding: "Content-Length and Transfer-Encoding are both given"
        case .unsupportedTransferEncoding: "the only transfer encoding spoken here is chunked"
        case .invalidChunk: "a chunk of the body is malformed"
        case .invalidTrailer: "a trailer of the body is malformed"
        case .bodyTooLarge(let limit): "the body is larger than \(limit) bytes"
        case .unsupportedExpectation: "the only expectation met here is 100-continue"
        case .unexpectedProtocolSwitch: "the server switched protocols unasked"
        case .tooManyInterimAnswers: "the server sends interim answers without end"
        }
    }
}
