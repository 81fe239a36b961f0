// SPDX-License-Identifier: MIT

package import Diagnostics
package import SystemIO

/// Why a transfer did not bring what was asked for. URLs in it are redacted.
package indirect enum TransferError: Error, Equatable, Sendable {
    /// How a connection fails; the words of `readiness_error`.
    package enum Connection: String, Sendable {
        case dns, proxy, refused, tls, timeout, reset, failed
    }

    case invalidURL(text: String)
    case unsupportedScheme(url: String)
    case noConnection(url: String, Connection, detail: String)
    case stalled(url: String, window: Duration, receivedBytes: Int)
    case status(url: String, code: Int, retryAfter: Duration?)
    case rateLimited(url: String, code: Int, resetsIn: Duration?)
    case notFound(url: String)
    case tooManyRedirects(url: String, limit: Int)
    case insecureRedirect(from: String, to: String)
    case badRedirect(url: String)
    case tooLarge(url: String, limitBytes: Int)
    case truncated(url: String, receivedBytes: Int, expectedBytes: Int?)
    case notJSON(url: String, contentType: String?, isHTML: Bool)
    /// The bytes at the URL are not those of which a part is already here.
    case changed(url: String)
    case wrongRange(url: String, header: String?)
    case gaveUp(attempts: Int, last: TransferError)
    case system(SystemError)
}

extension TransferError: DiagnosticConvertible {
    package var diagnostic: Diagnostic {
        switch self {
        case .invalidURL(let text):
            Diagnostic("transfer/invalid-url", "`\(text)` is not a URL that can be fetched")
        case .unsupportedScheme(let url):
            Diagnostic("transfer/unsupported-scheme", "`\(url)` is neither http nor https")
        case .noConnection(let url, let kind, let detail):
            Diagnostic(
                "transfer/\(Self.code(kind))", "\(Self.words(kind)) `\(url)`: \(detail)", hints: Self.hints(kind))
        case .stalled(let url, let window, let received):
            Diagnostic(
                "transfer/stalled",
                "`\(url)` sent next to nothing for \(Self.words(window)) after \(received) bytes",
                hints: ["run the command again; it goes on where the download stopped"])
        case .status(let url, let code, _):
            Diagnostic("transfer/status", "`\(url)` answered \(code)", hints: Self.hints(status: code))
        case .rateLimited(let url, let code, let resets):
            Diagnostic(
                "transfer/rate-limited",
                "`\(url)` refuses more requests for now (\(code), rate limit)\(Self.words(resets))",
                hints: [
                    "wait and run the command again, or set `GITHUB_TOKEN` to any GitHub token for a higher limit",
                    "without a network, `llm-router bootstrap download --archive FILE` installs a file",
                ])
        case .notFound(let url): Diagnostic("transfer/not-found", "there is nothing at `\(url)` (404)")
        case .tooManyRedirects(let url, let limit):
            Diagnostic("transfer/redirect-loop", "more than \(limit) redirects, the last from `\(url)`")
        case .insecureRedirect(let from, let to):
            Diagnostic(
                "transfer/insecure-redirect", "`\(from)` redirects to `\(to)`, which is not encrypted; refused",
                hints: ["a proxy or a captive portal may be in the way; try from another network"])
        case .badRedirect(let url):
            Diagnostic("transfer/bad-redirect", "`\(url)` redirects without saying where to")
        case .tooLarge(let url, let limit):
            Diagnostic("transfer/too-large", "`\(url)` sends more than the \(limit) bytes that are allowed")
        case .truncated(let url, let received, let expected):
            Diagnostic(
                "transfer/truncated",
                "`\(url)` ended after \(received) bytes\(expected.map { " of \($0)" } ?? "")",
                hints: ["run the command again; it goes on where the download stopped"])
        case .notJSON(let url, let type, let isHTML):
            Diagnostic(
                "transfer/not-json",
                "`\(url)` answered with \(isHTML ? "an HTML page" : type.map { "`\($0)`" } ?? "something") instead of JSON",
                hints: ["a proxy or a login page may be in the way; open the URL in a browser to see it"])
        case .changed(let url):
            Diagnostic(
                "transfer/changed", "the file at `\(url)` changed while it was being fetched",
                hints: ["run the command again"])
        case .wrongRange(let url, let header):
            Diagnostic(
                "transfer/wrong-range",
                "`\(url)` sent another part than the one asked for (`Content-Range: \(header ?? "none")`)")
        case .gaveUp(let attempts, let last): last.diagnostic.adding(note: "gave up after \(attempts) attempts")
        case .system(let error): error.diagnostic
        }
    }

    private static func code(_ kind: Connection) -> String {
        switch kind {
        case .dns: "unknown-host"
        case .proxy: "unknown-proxy"
        case .refused: "refused"
        case .tls: "tls"
        case .timeout: "timeout"
        case .reset: "reset"
        case .failed: "failed"
        }
    }

    private static func words(_ kind: Connection) -> String {
        switch kind {
        case .dns: "cannot find the host of"
        case .proxy: "cannot find the proxy for"
        case .refused: "cannot connect to"
        case .tls: "no trustworthy connection to"
        case .timeout: "no answer in time from"
        case .reset: "the connection was cut by"
        case .failed: "cannot fetch"
        }
    }

    private static func hints(_ kind: Connection) -> [String] {
        switch kind {
        case .dns: ["check the network and the name; behind a proxy, set `HTTPS_PROXY`"]
        case .proxy: ["check `HTTPS_PROXY` and `HTTP_PROXY`"]
        case .refused, .timeout: ["check that the address and port are right and the server runs"]
        case .tls:
            [
                "install the system's certificates (`apt-get install ca-certificates`) and check the clock",
                "behind a proxy that opens TLS, set `SSL_CERT_FILE` to its certificate",
            ]
        case .reset, .failed: ["run the command again"]
        }
    }

    private static func hints(status: Int) -> [String] {
        switch status {
        case 401, 403: ["check the credentials: an expired `GITHUB_TOKEN` is refused even for public files"]
        case 500...: ["the server has a problem; run the command again later"]
        default: []
        }
    }

    private static func words(_ window: Duration) -> String {
        window < .seconds(1) ? "\(window.wholeMilliseconds) ms" : "\(window.components.seconds) s"
    }

    private static func words(_ resets: Duration?) -> String {
        guard let seconds = resets?.components.seconds else { return "" }
        return seconds < 120 ? "; it opens again in \(seconds) s" : "; it opens again in \((seconds + 59) / 60) minutes"
    }
}

extension TransferError {
    /// The one word of a failed probe.
    package var word: String {
        switch self {
        case .noConnection(_, let kind, _): kind.rawValue
        case .stalled: Connection.timeout.rawValue
        case .truncated: Connection.reset.rawValue
        case .gaveUp(_, let last): last.word
        case .invalidURL, .unsupportedScheme, .status, .rateLimited, .notFound, .tooManyRedirects, .insecureRedirect,
            .badRedirect, .tooLarge, .notJSON, .changed, .wrongRange, .system:
            Connection.failed.rawValue
        }
    }
}
