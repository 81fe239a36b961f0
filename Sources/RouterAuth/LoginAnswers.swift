// SPDX-License-Identifier: MIT

package import JSONSyntax

/// What the server hands out for a login: where to go, and the name under which it remembers the attempt.
package struct LoginTicket: Equatable, Sendable {
    package let url: String
    package let state: String?
    /// The code to type, for device flows.
    package let userCode: String?

    package init(url: String, state: String?, userCode: String? = nil) {
        self.url = url
        self.state = state
        self.userCode = userCode
    }

    /// Reads the spellings that servers use; nil when there is no URL of a web page in it.
    package init?(_ json: JSONValue) {
        let urls = ["auth_url", "url", "login_url", "verification_uri", "verification_url"].lazy.compactMap { name in
            json[name]?.stringValue
        }
        guard let url = urls.first(where: { Self.isWebPage($0) }) else { return nil }
        self.url = url
        let state = Self.givenState(json, url)
        self.state = state.flatMap { Self.isState($0) ? $0 : nil }
        userCode = json["user_code"]?.stringValue.map { LogSafe.line($0, limit: 40) }
    }

    /// It is printed and may be handed to a browser, so only an http(s) URL without odd characters will do.
    private static func isWebPage(_ text: String) -> Bool {
        (text.hasPrefix("https://") || text.hasPrefix("http://")) && text.utf8.count < 8192
            && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "`") }
    }

    private static func isState(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 256
            && text.utf8.allSatisfy {
                $0 < 0x80
                    && (Character(Unicode.Scalar($0)).isLetter || Character(Unicode.Scalar($0)).isNumber
                        || "-_.~".utf8.contains($0))
            }
    }

    private static func givenState(_ json: JSONValue, _ url: String) -> String? {
        json["state"]?.stringValue ?? CallbackParameters(url)?.state
    }

    /// Whether an answer that has a URL names a state that cannot be one: no state at all is something else.
    static func hasMalformedState(_ json: JSONValue) -> Bool {
        guard let ticket = LoginTicket(json), ticket.state == nil else { return false }
        return givenState(json, ticket.url) != nil || json["state"].map { $0 != .null } ?? false
    }
}

/// What the server says of a login that is under way.
package enum LoginStatus: Equatable, Sendable {
    case pending
    /// `wordIsClear`: the word means success and nothing else; a bare `ok` is also said of attempts nobody knows.
    case done(wordIsClear: Bool)
    case denied
    case expired
    case cancelled
    case failed(message: String)

    /// Reads the spellings that servers use; what is not known counts as pending.
    package init(_ json: JSONValue) {
        let word = (json["status"]?.stringValue ?? json["state"]?.stringValue ?? "").lowercased()
        let message = LogSafe.line(json["error"]?.stringValue ?? json["message"]?.stringValue ?? "")
        switch word {
        case "ok": self = .done(wordIsClear: false)
        case "success", "completed", "authorized": self = .done(wordIsClear: true)
        case "denied": self = .denied
        case "expired": self = .expired
        case "cancelled", "canceled": self = .cancelled
        case "failed", "error": self = Self.meaning(of: message)
        default: self = .pending
        }
    }

    /// The server's error texts are the only place where it tells one end from another.
    private static func meaning(of message: String) -> LoginStatus {
        let text = message.lowercased()
        if text.contains("unknown or expired state") { return .failed(message: message) }
        if text.contains("timeout") || text.contains("expired") { return .expired }
        if text.contains("denied") || text == "bad request" || text == "authentication failed" { return .denied }
        return .failed(message: message)
    }

    /// Whether the server no longer knows the attempt.
    var isUnknownState: Bool {
        if case .failed(let message) = self { message.lowercased().contains("unknown or expired state") } else { false }
    }
}

/// What the browser brings back in the query of the callback URL.
package struct CallbackParameters: Equatable, Sendable {
    package let code: String?
    package let state: String
    /// `access_denied` and the like.
    package let error: String?

    package init(code: String?, state: String, error: String?) {
        self.code = code
        self.state = state
        self.error = error
    }

    /// Reads what somebody has pasted: as `init(_:)`, with whatever quotes came along.
    package init?(pasted text: String) {
        let wrapping: Set<Character> = ["\"", "'", "`", "<", ">", "“", "”", "‘", "’", "«", "»"]
        func isWrapping(_ character: Character) -> Bool { character.isWhitespace || wrapping.contains(character) }
        let start = text.drop(while: isWrapping)
        guard let end = start.lastIndex(where: { !isWrapping($0) }) else { return nil }
        self.init(String(start[...end]))
    }

    /// Reads a callback URL, a path with a query, or a bare query; nil without a state.
    package init?(_ text: String) {
        let trimmed = text.drop { $0 == " " || $0 == "\t" }.prefix { !$0.isWhitespace }
        guard trimmed.utf8.count <= 8192 else { return nil }
        let query = trimmed.firstIndex(of: "?").map { trimmed[trimmed.index(after: $0)...] } ?? trimmed
        var values: [String: String] = [:]
        for pair in query.prefix(while: { $0 != "#" }).split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = Self.decode(parts[1]), values[String(parts[0])] == nil else { continue }
            values[String(parts[0])] = value
        }
        guard let state = values["state"], !state.isEmpty else { return nil }
        self.state = state
        code = values["code"].flatMap { $0.isEmpty ? nil : $0 }
        error = values["error"].flatMap { $0.isEmpty ? nil : $0 }
    }

    /// Undoes percent encoding; nil for broken escapes, control characters and what is not UTF-8.
    private static func decode(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16)
                else {
                    return nil
                }
                bytes.append(value)
                rest = rest.dropFirst(2)
            default: bytes.append(byte)
            }
        }
        guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
        return String(validating: bytes, as: UTF8.self)
    }
}
