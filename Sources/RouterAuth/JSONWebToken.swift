// SPDX-License-Identifier: MIT

package import JSONSyntax
package import SystemIO

/// The readable part of a JWT. The signature is not checked: the token only describes itself here, it proves nothing.
package struct JSONWebToken: Equatable, Sendable {
    /// Tokens are a few kilobytes; what is longer is none.
    static let limitBytes = 64 << 10
    private static let accountClaim = "https://api.openai.com/auth"
    private static let profileClaim = "https://api.openai.com/profile"

    package let claims: JSONObject

    /// nil when `text` is not three base64url parts with JSON objects in the first two.
    package init?(_ text: String) {
        guard text.utf8.count <= Self.limitBytes else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, !parts[2].isEmpty, Base64URL.decode(parts[2].utf8) != nil,
            let header = Self.object(parts[0]), !header.isEmpty,
            let claims = Self.object(parts[1])
        else { return nil }
        self.claims = claims
    }

    /// The `exp` claim; nil when it is missing or beyond what a calendar holds.
    package var expiry: Timestamp? { moment("exp") }
    package var issued: Timestamp? { moment("iat") }
    /// When the owner proved who he is; tokens renewed since then keep it.
    package var authenticated: Timestamp? { moment("auth_time") }

    package var email: String? {
        nonEmpty(claims["email"]) ?? nonEmpty(claims[Self.profileClaim]?["email"])
    }

    package var accountID: String? { nonEmpty(claims[Self.accountClaim]?["chatgpt_account_id"]) }
    package var plan: String? { nonEmpty(claims[Self.accountClaim]?["chatgpt_plan_type"]) }

    private func moment(_ claim: String) -> Timestamp? {
        // The year 2200: later moments are damage, and their nanoseconds would not fit.
        guard let seconds = claims[claim]?.doubleValue, seconds > 0, seconds < 7_258_118_400 else { return nil }
        return Timestamp(nanoseconds: Int64(seconds) * 1_000_000_000)
    }

    private func nonEmpty(_ value: JSONValue?) -> String? {
        guard let text = value?.stringValue, !text.isEmpty else { return nil }
        return text
    }

    private static func object(_ part: Substring) -> JSONObject? {
        guard let bytes = Base64URL.decode(part.utf8) else { return nil }
        return (try? JSONParser.parse(bytes))?.objectValue
    }
}

/// Base64 with the URL alphabet and without padding, as JWTs use it.
enum Base64URL {
    static func decode(_ text: some Sequence<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var word: UInt32 = 0
        var bits: UInt32 = 0
        for letter in text {
            guard let value = value(of: letter) else { return nil }
            word = (word << 6 | value) & 0xFFFF
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> bits))
            }
        }
        // A single left-over letter cannot hold a byte.
        return bits == 6 ? nil : bytes
    }

    private static func value(of letter: UInt8) -> UInt32? {
        switch letter {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(letter) - 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(letter) - 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(letter) + 4
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}
