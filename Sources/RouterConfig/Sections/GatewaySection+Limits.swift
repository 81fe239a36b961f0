// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import YAMLSyntax

private let shortest = Duration.milliseconds(1)
private let longest = Duration.seconds(86_400)

/// When a deployment is left alone.
struct Breaker: Sendable {
    static let definition = SectionDefinition<Breaker>(
        "When a deployment is left alone.",
        [
            .checked("failures", .integer(1...1000), default: "3", "Failures in a row that open it."),
            .checked("open", .duration(shortest...longest), default: "60s", "How long it stays open."),
            .checked("probes", .integer(1...100), default: "1", "Requests let through to try it again."),
        ])
}

/// When a second deployment is asked as well.
struct Hedge: Sendable {
    static let definition = SectionDefinition<Hedge>(
        "When a second deployment is asked as well.",
        [
            .checked("after", .duration(shortest...longest), isRequired: true, "Without an answer for this long."),
            .checked("extra", .percentage, default: "5%", "Most additional calls."),
        ])
}

/// Time-outs of a request's parts.
struct Timeouts: Sendable {
    static let definition = SectionDefinition<Timeouts>(
        "Time-outs of a request's parts.",
        [
            .checked(
                "connect", .duration(shortest...longest), default: "5s", "Until a connection to the deployment stands."),
            .checked(
                "first_token", .duration(shortest...longest), default: "15s", "Until the first event of a stream."),
            .checked("idle", .duration(shortest...longest), default: "45s", "Between two chunks."),
            .checked(
                "total", .duration(shortest...longest), default: "600s",
                "For everything, retries and fallbacks included."),
            .checked(
                "answer", .duration(shortest...longest), default: "`first_token`, else 120s",
                "Until an answer that is no stream; a model's own `timeout` wins."),
            .checked("header", .duration(shortest...longest), default: "10s", "For a client to send its request head."),
            .checked("body", .duration(shortest...longest), default: "300s", "For a client to send its request body."),
            .checked("write_stall", .duration(shortest...longest), default: "60s", "For a client that reads nothing."),
            .checked("keep_alive", .duration(shortest...longest), default: "75s", "A connection without a request."),
            .checked("drain", .duration(shortest...longest), default: "30s", "For what runs when the gateway stops."),
        ])
}

/// Bounds of what is accepted.
struct Limits: Sendable {
    static let definition = SectionDefinition<Limits>(
        "Bounds of what is accepted.",
        [
            .checked("header_bytes", .byteSize(1024...(1 << 20)), default: "32KiB", "Size of a request's head."),
            .checked("body_bytes", .byteSize(1024...(1 << 34)), default: "32MiB", "Size of a request's body."),
            .checked("connections", .integer(1...1_000_000), default: "20000", "Open client connections."),
            .checked("requests", .integer(1...1_000_000), default: "12000", "Requests that run at once."),
            .checked("queue", .integer(0...1_000_000), default: "1000", "Requests that wait; more get 429."),
            .checked("line_bytes", .byteSize(1024...(1 << 30)), default: "1MiB", "Length of an event in a stream."),
        ])
}

/// Keeps a session on one deployment.
struct Affinity: Sendable {
    static let definition = SectionDefinition<Affinity>(
        "Keeps a session on one deployment.",
        [
            .checked("header", .string, default: "x-session-id", "Request header that names the session.")
        ])
}

/// A client's key.
struct GatewayKey: Sendable {
    static let definition = SectionDefinition<GatewayKey>(
        "A client's key.",
        [
            .checked(
                "hash", .text("`sha256:` and 64 hex digits", pattern: "^sha256:[0-9a-f]{64}$") { isHash($0) },
                isRequired: true, "Hash of the key; the key itself is kept nowhere."),
            .checked("models", .list(of: .string), default: "all", "Models that it may ask for."),
            .checked("rpm", .integer(1...1_000_000_000), default: "none", "Requests a minute."),
            .checked("tpm", .integer(1...1_000_000_000_000), default: "none", "Tokens a minute."),
            .checked("budget", .money, default: "none", "Dollars in `window`."),
            .checked(
                "window", .duration(.seconds(1)...Duration.seconds(86_400 * 3660)), default: "30d",
                "When the budget is new."),
            .checked("expires", .timestamp, default: "never", "Date from which on it is refused."),
        ])

    private static func isHash(_ text: String) -> Bool {
        text.hasPrefix("sha256:") && text.utf8.count == 71
            && text.utf8.dropFirst(7).allSatisfy { "0123456789abcdef".utf8.contains($0) }
    }
}

/// Where requests are logged.
struct AccessLog: Sendable {
    static let definition = SectionDefinition<AccessLog>(
        "Where requests are logged.",
        [.checked("enabled", .bool, default: "true", "Whether requests are logged.")])
}

extension ValueFormat where Value == String {
    /// An exact decimal amount; never a binary float.
    static var money: ValueFormat {
        let words = "an amount such as \"1.00\""
        let json: JSONObject = ["type": ["string", "number"], "pattern": "^[0-9]+(\\.[0-9]+)?$", "minimum": 0]
        return ValueFormat(.scalar(words: words, json: json)) { node, decoder in
            guard let text = node.scalar?.text, node.stringValue != nil || node.doubleValue != nil else {
                decoder.report(.wrongType(key: decoder.place, expected: words, found: node.kindInWords), at: node.span)
                return nil
            }
            let parts = text.split(separator: ".", omittingEmptySubsequences: false)
            let isAmount =
                parts.count <= 2
                && parts.allSatisfy { part in
                    !part.isEmpty && part.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                }
            if isAmount { return text }
            decoder.report(.invalidValue(key: decoder.place, expected: words, found: text), at: node.span)
            return nil
        }
    }

    /// A date, quoted or not.
    static var timestamp: ValueFormat {
        .scalar("a date such as 2027-01-31", ["type": "string"]) { node in
            guard let scalar = node.scalar else { return nil }
            let plain = YAMLScalar(scalar.text)
            return plain.resolvedType == .timestamp ? scalar.text : nil
        }
    }

    /// `5%`.
    static var percentage: ValueFormat {
        .text("a share such as `5%`", pattern: "^[0-9]+(\\.[0-9]+)?%$") { text in
            guard text.hasSuffix("%"), let number = Double(text.dropLast()) else { return false }
            return (0...100).contains(number)
        }
    }
}

/// `{default: "1.00", window: 30d, <name>: "5.00"}`.
struct Budget: Sendable {}

extension ValueFormat where Value == Budget {
    /// Amounts by name, with `window` for when they are new.
    static var budget: ValueFormat {
        let amount = ValueFormat<String>.money
        let window = ValueFormat<Duration>.duration(.seconds(1)...Duration.seconds(86_400 * 3660))
        return ValueFormat(.mapping(nameWords: "names, `default` and `window`", .either([amount.shape, window.shape])))
        {
            node, decoder in
            guard let entries = node.entries else {
                decoder.report(
                    .wrongType(key: decoder.place, expected: "a mapping", found: node.kindInWords), at: node.span)
                return nil
            }
            for entry in entries {
                let name = entry.key.scalar?.text ?? ""
                decoder.within(name) { decoder in
                    if name == "window" {
                        _ = window.read(entry.value, &decoder)
                    } else {
                        _ = amount.read(entry.value, &decoder)
                    }
                }
            }
            return Budget()
        }
    }
}
