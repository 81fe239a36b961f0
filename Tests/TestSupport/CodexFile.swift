// SPDX-License-Identifier: MIT

package import JSONSyntax
package import SystemIO

/// Files of the Codex CLI as it writes them, with tokens of real structure.
package enum CodexFile {
    package static let now = Timestamp(nanoseconds: 1_790_000_000 * 1_000_000_000)
    package static let secrets = ["planted-refresh-4e1d", "cGxhbnRlZC1zaWduYXR1cmU"]

    package static func object(
        email: String? = "ada@example.com", account: String = "acct-1234", plan: String = "plus",
        issued: Timestamp = now, lastRefresh: Timestamp? = now, lifetimeDays: Int = 10
    ) -> JSONObject {
        let issuedSeconds = Int(issued.nanoseconds / 1_000_000_000)
        let auth: JSONValue = ["chatgpt_account_id": .string(account), "chatgpt_plan_type": .string(plan)]
        var identity: JSONObject = [
            "aud": ["app_EMoamEEZ73f0CkXaXp7hrann"], "exp": .integer(issuedSeconds + 3600),
            "iat": .integer(issuedSeconds), "https://api.openai.com/auth": auth,
        ]
        identity["email"] = email.map { .string($0) }
        let access: JSONObject = [
            "aud": ["https://api.openai.com/v1"], "exp": .integer(issuedSeconds + lifetimeDays * 86_400),
            "iat": .integer(issuedSeconds), "https://api.openai.com/auth": auth,
        ]
        return [
            "OPENAI_API_KEY": .null,
            "tokens": [
                "id_token": .string(token(identity)), "access_token": .string(token(access)),
                "refresh_token": .string(secrets[0]), "account_id": .string(account),
            ],
            "last_refresh": lastRefresh.map { .string($0.iso8601.replacing("+00:00", with: "Z")) } ?? .null,
        ]
    }

    package static func token(_ claims: JSONObject) -> String {
        let header: JSONValue = ["alg": "RS256", "kid": "1", "typ": "JWT"]
        return base64(JSONWriter.bytes(of: header)) + "." + base64(JSONWriter.bytes(of: .object(claims))) + "."
            + secrets[1]
    }

    package static func text(_ object: JSONObject) -> String {
        JSONWriter.text(of: .object(object), layout: .indented)
    }

    package static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
        var text = ""
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = Array(bytes[start..<min(start + 3, bytes.count)])
            let padded = group + [UInt8](repeating: 0, count: 3 - group.count)
            let word = UInt32(padded[0]) << 16 | UInt32(padded[1]) << 8 | UInt32(padded[2])
            for position in 0...group.count { text.append(alphabet[Int(word >> (18 - 6 * UInt32(position))) & 63]) }
        }
        return text
    }
}
