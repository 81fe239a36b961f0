// SPDX-License-Identifier: MIT

package import Diagnostics
internal import JSONSyntax
internal import RouterServices
internal import YAMLSyntax

/// `readiness` or `liveness` of a service: one question and its rhythm.
package struct ProbeSection: Sendable {
    package var http: HTTPProbeSection?
    package var tcp: TCPProbeSection?
    package var exec: [String]?
    package var period = defaults.period
    package var timeout = defaults.timeout
    package var startPeriod = defaults.startPeriod
    package var startInterval = defaults.startInterval
    package var successes = defaults.successThreshold
    package var failures = defaults.failureThreshold

    private static let defaults = ProbeSpec(target: .exec([]))
    private static let shortest = Duration.milliseconds(10)
    private static let longest = Duration.seconds(3600)

    static let definition = SectionDefinition<ProbeSection>(
        "One question, exactly one of `http`, `tcp` and `exec`, and its rhythm.",
        [
            .optional(
                "http", \.http, .section(HTTPProbeSection.definition) { HTTPProbeSection() },
                "Asks over HTTP; redirects are never followed."),
            .optional("tcp", \.tcp, .section(TCPProbeSection.definition) { TCPProbeSection() }, "Opens a connection."),
            .optional(
                "exec", \.exec, .list(of: .argument, minimumCount: 1), "Runs a program; exit status 0 means well."),
            .key(
                "period", \.period, .duration(shortest...longest), defaultOf: ProbeSection(),
                "Time between two questions."),
            .key(
                "timeout", \.timeout, .duration(shortest...longest), defaultOf: ProbeSection(),
                "An answer that takes longer is a failure."),
            .key(
                "start_period", \.startPeriod, .duration(.zero...longest), defaultOf: ProbeSection(),
                "Failures this soon after a start do not count."),
            .key(
                "start_interval", \.startInterval, .duration(shortest...longest), defaultOf: ProbeSection(),
                "Time between two questions within `start_period`."),
            .key(
                "successes", \.successes, .integer(1...1000), defaultOf: ProbeSection(),
                "Good answers in a row that make it well."),
            .key(
                "failures", \.failures, .integer(1...1000), defaultOf: ProbeSection(),
                "Bad answers in a row that make it unwell."),
        ])
}

/// An HTTP question.
package struct HTTPProbeSection: Sendable {
    package var path: String?
    package var host: String?
    package var port: Int?
    package var isTLS = false
    package var bearer: SecretReference?
    package var headers: [Named<String>] = []
    package var expect: ClosedRange<Int> = 200...299
    package var body: String?

    static let definition = SectionDefinition<HTTPProbeSection>(
        "An HTTP GET.",
        [
            .optional("path", \.path, .urlPath, default: "the service's `readiness_path`", "What is asked for."),
            .optional("host", \.host, .host, default: "the service's `host`", "Who is asked."),
            .optional("port", \.port, .port, default: "the service's `port`", "Where."),
            .key("tls", \.isTLS, .bool, defaultOf: HTTPProbeSection(), "Whether to ask over https."),
            .optional(
                "bearer", \.bearer, .secretReference, default: "none",
                "Key that is sent; `os.environ/NAME` names a variable of the service."),
            .key(
                "headers", \.headers,
                .mapping(nameWords: "header names", of: .headerValue, checkingName: checkHeaderName), default: "{}",
                "Further headers."),
            .key(
                "expect", \.expect, .statusRange, defaultOf: HTTPProbeSection(),
                "Statuses that are good: `2xx`, `200` or `200-299`."),
            .optional("body", \.body, .string, default: "any", "Text that the answer must contain."),
        ])

    private static func checkHeaderName(_ key: YAMLNode, _ decoder: inout ConfigDecoder) -> Bool {
        let name = key.scalar?.text ?? ""
        if !name.isEmpty, name.utf8.allSatisfy({ isAlphanumeric($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) }) {
            return true
        }
        let place = "a key of \(decoder.place)"
        decoder.report(.invalidValue(key: place, expected: "a header name", found: name), at: key.span)
        return false
    }
}

/// A connection attempt.
package struct TCPProbeSection: Sendable {
    package var host: String?
    package var port: Int?

    static let definition = SectionDefinition<TCPProbeSection>(
        "A connection attempt.",
        [
            .optional("host", \.host, .host, default: "the service's `host`", "Who is asked."),
            .optional("port", \.port, .port, default: "the service's `port`", "Where."),
        ])
}

/// A key in the config: the name of a variable, or, less well, the key itself.
package enum SecretReference: Equatable, Sendable {
    /// `os.environ/NAME`, the form that LiteLLM uses.
    case environment(String)
    case literal(Secret<String>)

    package static let prefix = "os.environ/"

    /// nil when the variable's name is none.
    package init?(_ text: String) {
        guard text.hasPrefix(Self.prefix) else {
            self = .literal(Secret(text))
            return
        }
        let name = String(text.dropFirst(Self.prefix.count))
        guard EnvironmentFile.isName(name) else { return nil }
        self = .environment(name)
    }
}

extension ValueFormat where Value == SecretReference {
    static var secretReference: ValueFormat {
        let words = "`os.environ/NAME` or a key"
        let json: JSONObject = ["type": "string", "minLength": 1]
        return .scalar(words, json) { node in
            guard let text = node.stringValue, !text.isEmpty, text.utf8.allSatisfy({ (0x21..<0x7F).contains($0) })
            else {
                return nil
            }
            return SecretReference(text)
        }
    }
}

extension ValueFormat where Value == String {
    fileprivate static var headerValue: ValueFormat {
        .text("a header value: one line of text") { text in text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F } }
    }
}

extension ValueFormat where Value == ClosedRange<Int> {
    /// `2xx`, `200` or `200-299`.
    fileprivate static var statusRange: ValueFormat {
        let words = "an HTTP status: `2xx`, `200` or `200-299`"
        let json: JSONObject = [
            "type": ["string", "integer"], "pattern": "^([1-5]xx|[1-5][0-9]{2}(-[1-5][0-9]{2})?)$",
        ]
        return ValueFormat(.scalar(words: words, json: json), write: { $0 == 200...299 ? "2xx" : nil }) {
            node, decoder in
            guard let text = node.scalar?.text, node.stringValue != nil || node.integerValue != nil else {
                decoder.report(.wrongType(key: decoder.place, expected: words, found: node.kindInWords), at: node.span)
                return nil
            }
            if let range = parse(status: text) { return range }
            decoder.report(.invalidValue(key: decoder.place, expected: words, found: text), at: node.span)
            return nil
        }
    }

    private static func parse(status text: String) -> ClosedRange<Int>? {
        if text.hasSuffix("xx"), let group = Int(text.dropLast(2)), (1...5).contains(group) {
            return group * 100...group * 100 + 99
        }
        let bounds = text.split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(bounds.count), let low = bounds[0], let high = bounds[bounds.count - 1] else {
            return nil
        }
        guard (100...599).contains(low), high >= low, high <= 599 else { return nil }
        return low...high
    }
}
