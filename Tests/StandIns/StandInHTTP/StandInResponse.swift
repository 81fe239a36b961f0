// SPDX-License-Identifier: MIT

package import JSONSyntax

/// What a stand-in answers: a proper response, or one of the ways in which servers fail.
package struct StandInResponse: Sendable {
    /// A part of a body, sent some time after the one before it.
    package struct Piece: Sendable, ExpressibleByStringLiteral {
        package var bytes: [UInt8]
        package var delay: Duration

        package init(_ bytes: [UInt8], after delay: Duration = .zero) {
            self.bytes = bytes
            self.delay = delay
        }

        package init(_ text: String, after delay: Duration = .zero) {
            self.init(Array(text.utf8), after: delay)
        }

        package init(stringLiteral value: String) {
            self.init(value)
        }
    }

    package enum Body: Sendable {
        case pieces([Piece])
        /// Sent as the elements arrive; the stream is cancelled when the client goes away.
        case live(AsyncStream<[UInt8]>)
    }

    package enum Framing: Sendable {
        /// `Content-Length` for pieces without delays, chunks otherwise.
        case automatic
        case chunked
        /// Announces this length whatever the body really has.
        case claimedLength(Int)
        /// No length and no chunks: the end of the connection ends the body.
        case untilClose
    }

    package enum Ending: Sendable {
        case keepAlive
        /// Closes the connection after the body (for chunks: without the last one, so the body is cut short).
        case close
        /// Resets the connection, so that the client's next read fails.
        case reset
    }

    package enum Kind: Sendable {
        case response
        /// The pieces are the bytes on the wire, head and all; then the connection ends as `ending` says.
        case raw
        /// Never answers; the connection stays open until the client or the server goes.
        case hang
        /// Closes without a byte.
        case disconnect
    }

    package var kind: Kind = .response
    package var status = 200
    package var headers: [(name: String, value: String)] = []
    package var body: Body = .pieces([])
    package var framing: Framing = .automatic
    package var ending: Ending = .keepAlive
    /// Cuts the body after this many bytes and then ends the connection.
    package var cutAfterBytes: Int?
    /// Time before the first byte of the head.
    package var delay: Duration = .zero

    package init(
        status: Int = 200, headers: [(name: String, value: String)] = [], body: Body = .pieces([]),
        framing: Framing = .automatic, ending: Ending = .keepAlive
    ) {
        self.status = status
        self.headers = headers
        self.body = body
        self.framing = framing
        self.ending = ending
    }

    package static func bytes(
        _ bytes: [UInt8], type: String = "application/octet-stream", status: Int = 200
    ) -> StandInResponse {
        StandInResponse(status: status, headers: [("Content-Type", type)], body: .pieces([Piece(bytes)]))
    }

    package static func text(_ text: String, status: Int = 200) -> StandInResponse {
        bytes(Array(text.utf8), type: "text/plain", status: status)
    }

    package static func json(_ value: JSONValue, status: Int = 200) -> StandInResponse {
        bytes(JSONWriter.bytes(of: value), type: "application/json; charset=utf-8", status: status)
    }

    /// Server-sent events: each piece as it is, in chunks.
    package static func events(_ pieces: [Piece]) -> StandInResponse {
        StandInResponse(headers: [("Content-Type", "text/event-stream")], body: .pieces(pieces), framing: .chunked)
    }

    package static func redirect(to location: String, status: Int = 302) -> StandInResponse {
        StandInResponse(status: status, headers: [("Location", location)])
    }

    package static func raw(_ pieces: [Piece], ending: Ending = .close) -> StandInResponse {
        var response = StandInResponse(body: .pieces(pieces), ending: ending)
        response.kind = .raw
        return response
    }

    package static var hang: StandInResponse {
        var response = StandInResponse()
        response.kind = .hang
        return response
    }

    package static var disconnect: StandInResponse {
        var response = StandInResponse(ending: .close)
        response.kind = .disconnect
        return response
    }

    /// The same response with one more header.
    package func adding(_ name: String, _ value: String) -> StandInResponse {
        var copy = self
        copy.headers.append((name, value))
        return copy
    }
}
