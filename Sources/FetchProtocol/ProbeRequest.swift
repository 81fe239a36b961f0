// SPDX-License-Identifier: MIT

package import Diagnostics
package import JSONSyntax

/// GETs a URL once, for health checks that need TLS or a name look-up.
package struct ProbeRequest: FetchRequest {
    package typealias Answer = ProbeAnswer

    package static let name = "probe.http"
    /// More of a body is not read.
    package static let bodyLimitBytes = 64 << 10

    package var url: String
    package var timeoutMilliseconds: Int
    package var bearer: Secret<String>?

    package init(url: String, timeoutMilliseconds: Int, bearer: Secret<String>? = nil) {
        self.url = url
        self.timeoutMilliseconds = timeoutMilliseconds
        self.bearer = bearer
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: Self.name)
        url = try fields.string("url")
        timeoutMilliseconds = try fields.integer("timeout_ms")
        bearer = try fields.optionalString("bearer").map { Secret($0) }
    }

    package var json: JSONValue {
        [
            "url": .string(url), "timeout_ms": .integer(timeoutMilliseconds), "bearer": JSONValue(bearer?.reveal()),
        ]
    }
}

/// What came back; "no answer" is an outcome, not a failure of the request.
package struct ProbeAnswer: FetchValue {
    /// nil when there was no answer; redirects are not followed.
    package let status: Int?
    /// One word for `readiness_error`: `refused`, `timeout`, `dns`, `tls`, `reset`, `failed`; nil with a status.
    package let error: String?
    package let detail: String
    /// The first part of the body, as text.
    package let body: String
    package let elapsedMilliseconds: Int

    package init(status: Int?, error: String?, detail: String, body: String, elapsedMilliseconds: Int) {
        self.status = status
        self.error = error
        self.detail = detail
        self.body = body
        self.elapsedMilliseconds = elapsedMilliseconds
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: "probe answer")
        status = try fields.optionalInteger("status")
        error = try fields.optionalString("error")
        detail = try fields.string("detail")
        body = try fields.string("body")
        elapsedMilliseconds = try fields.integer("elapsed_ms")
    }

    package var json: JSONValue {
        [
            "status": JSONValue(status), "error": JSONValue(error), "detail": .string(detail), "body": .string(body),
            "elapsed_ms": .integer(elapsedMilliseconds),
        ]
    }
}
