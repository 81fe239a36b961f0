// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import NIOCore

/// A whole answer that the gateway makes itself.
struct Answer {
    var status: Int
    var headers: [(name: String, value: String)] = []
    var body: ByteBuffer
    var contentType = "application/json"

    init(status: Int, body: ByteBuffer, contentType: String = "application/json") {
        self.status = status
        self.body = body
        self.contentType = contentType
    }

    static func json(_ value: JSONValue, status: Int = 200) -> Answer {
        Answer(status: status, body: ByteBuffer(bytes: JSONWriter.bytes(of: value)))
    }

    /// The head in bytes.
    func head(minorVersion: Int, keepsAlive: Bool) -> ByteBuffer {
        var head = ByteBuffer()
        head.writeStatusLine(status)
        if status != 204 {
            head.writeString("content-type: \(contentType)\r\ncontent-length: \(body.readableBytes)\r\n")
        }
        for header in headers { head.writeString("\(header.name): \(header.value)\r\n") }
        head.writeConnection(minorVersion: minorVersion, keepsAlive: keepsAlive)
        head.writeStaticString("\r\n")
        return head
    }
}

extension ByteBuffer {
    mutating func writeStatusLine(_ status: Int) {
        switch status {
        case 200: writeStaticString("HTTP/1.1 200 OK\r\n")
        default: writeString("HTTP/1.1 \(status) \(Self.reason(status))\r\n")
        }
    }

    mutating func writeConnection(minorVersion: Int, keepsAlive: Bool) {
        if !keepsAlive {
            writeStaticString("connection: close\r\n")
        } else if minorVersion == 0 {
            writeStaticString("connection: keep-alive\r\n")
        }
    }

    private static func reason(_ status: Int) -> StaticString {
        switch status {
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 402: "Payment Required"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 413: "Content Too Large"
        case 417: "Expectation Failed"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 499: "Client Closed Request"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Status"
        }
    }
}
