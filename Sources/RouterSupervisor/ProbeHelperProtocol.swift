// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import FetchProtocol
internal import JSONSyntax
internal import RouterServices
internal import SystemIO

/// How the helper that links TLS and name lookups is asked: secrets go over its input, never into its arguments.
enum ProbeHelperProtocol {
    static func request(_ http: HTTPProbe, _ timeout: Duration) -> [UInt8] {
        var bearer: Secret<String>?
        if case .token(let token) = http.bearer { bearer = token }
        return FetchLine.encode(
            ProbeRequest(url: http.url, timeoutMilliseconds: Int(timeout.wholeMilliseconds), bearer: bearer))
    }

    /// Holds what the helper got against what the probe expects.
    static func verdict(_ output: [UInt8], _ http: HTTPProbe) -> ProbeVerdict {
        for line in output.split(separator: UInt8(ascii: "\n")).reversed() {
            guard let message = try? FetchLine.decode(Array(line)) else { continue }
            switch message {
            case .failure(let diagnostic): return .failed("helper-failed", detail: diagnostic.message)
            case .update: continue
            case .result(let value):
                guard let answer = try? ProbeAnswer(json: value) else { return .failed("helper-failed") }
                guard let status = answer.status else {
                    return .failed(answer.error ?? "unreachable", detail: answer.detail)
                }
                return HTTPExpectation.verdict(http, status: status, body: answer.body)
            }
        }
        return .failed("helper-failed")
    }
}

/// What an HTTP answer amounts to.
enum HTTPExpectation {
    static func verdict(_ http: HTTPProbe, status: Int, body: @autoclosure () -> String) -> ProbeVerdict {
        guard http.acceptedStatus.contains(status) else { return .failed(word(for: status), code: status) }
        if let text = http.bodyMatch, !body().contains(text) { return .failed("body-mismatch", code: status) }
        return ProbeVerdict(isOK: true, code: status)
    }

    private static func word(for status: Int) -> String {
        switch status {
        case 300...399: "redirect"
        case 401, 403: "unauthorized"
        case 503: "unavailable"
        default: "unexpected-status"
        }
    }
}
