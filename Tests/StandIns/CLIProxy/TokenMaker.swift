// SPDX-License-Identifier: MIT

internal import JSONSyntax

/// Tokens of the shape that the real issuer's have; their signature is made up.
enum TokenMaker {
    static let authClaim = "https://api.openai.com/auth"

    static func identityToken(email: String, account: String, plan: String, issued: Int) -> String {
        token([
            "aud": ["app_EMoamEEZ73f0CkXaXp7hrann"], "auth_time": .integer(issued), "email": .string(email),
            "exp": .integer(issued + 3600), "iat": .integer(issued), "iss": "https://auth.openai.com", "sub": "auth0|standin",
            "https://api.openai.com/auth": [
                "chatgpt_account_id": .string(account), "chatgpt_plan_type": .string(plan),
            ],
        ])
    }

    static func accessToken(account: String, plan: String, issued: Int, lifetime: Int = 10 * 86_400) -> String {
        token([
            "aud": ["https://api.openai.com/v1"], "exp": .integer(issued + lifetime), "iat": .integer(issued),
            "scp": ["openid", "profile", "email", "offline_access"],
            "https://api.openai.com/auth": [
                "chatgpt_account_id": .string(account), "chatgpt_plan_type": .string(plan),
            ],
        ])
    }

    static func opaque(_ prefix: String) -> String {
        prefix + String(UInt64.random(in: 0...UInt64.max), radix: 36)
            + String(UInt64.random(in: 0...UInt64.max), radix: 36)
    }

    static func token(_ claims: JSONValue) -> String {
        let header: JSONValue = ["alg": "RS256", "kid": "standin", "typ": "JWT"]
        return [JSONWriter.bytes(of: header), JSONWriter.bytes(of: claims), Array("not a signature".utf8)]
            .map(base64URL).joined(separator: ".")
    }

    /// The claims of a token; nil when it is none.
    static func claims(of token: String) -> JSONValue? {
        let parts = token.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 3, let bytes = decodeBase64URL(String(parts[1])) else { return nil }
        return try? JSONParser.parse(bytes)
    }

    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func base64URL(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let group = bytes[index..<min(index + 3, bytes.count)]
            let word = group.reduce(UInt32(0)) { $0 << 8 | UInt32($1) } << (8 * UInt32(3 - group.count))
            for position in 0...group.count { text.append(alphabet[Int(word >> (18 - 6 * UInt32(position))) & 63]) }
            index += 3
        }
        return String(decoding: text, as: UTF8.self)
    }

    static func decodeBase64URL(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        var word: UInt32 = 0
        var bits = 0
        for letter in text.utf8 {
            guard let value = alphabet.firstIndex(of: letter) else { return nil }
            word = word << 6 | UInt32(value)
            bits += 6
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: word >> UInt32(bits)))
            }
        }
        return bytes
    }
}
