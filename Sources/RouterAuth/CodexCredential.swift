// SPDX-License-Identifier: MIT

package import Diagnostics
internal import JSONSyntax
package import SystemIO

/// A ChatGPT login with the fields that the server's loader and its refresh need.
package struct CodexCredential: Equatable, Sendable {
    package let accessToken: Secret<String>
    package let refreshToken: Secret<String>
    package let identityToken: Secret<String>?
    package let accountID: String
    package let email: String?
    package let plan: String?
    package let lastRefresh: Timestamp
    /// When the access token ends. The identity token's own end is about an hour after its issue: written here, it
    /// would make the server renew the login at once.
    package let expiry: Timestamp

    /// The members that this login gives a credential file.
    var members: JSONObject {
        var object: JSONObject = [
            "type": "codex",
            "access_token": .string(accessToken.reveal()),
            "refresh_token": .string(refreshToken.reveal()),
        ]
        if let identityToken { object["id_token"] = .string(identityToken.reveal()) }
        object["account_id"] = .string(accountID)
        if let email { object["email"] = .string(email) }
        object["last_refresh"] = .string(lastRefresh.rfc3339)
        object["expired"] = .string(expiry.rfc3339)
        return object
    }

    /// How far before its end the server renews a token.
    package static let refreshLead = Duration.seconds(5 * 86_400)

    /// Whether the server renews the login as soon as it sees it.
    package func isRefreshDue(at now: Timestamp) -> Bool {
        .nanoseconds(expiry.nanoseconds - now.nanoseconds) <= Self.refreshLead
    }
}

extension CodexCredential {
    /// Reads the file of the Codex CLI.
    ///
    /// - Throws: what exactly keeps the file from being a usable login.
    package init(codexFile bytes: [UInt8], path: String, now: Timestamp) throws(AuthError) {
        let root: JSONValue
        do throws(JSONError) {
            root = try JSONParser.parse(bytes)
        } catch {
            throw .sourceMalformed(path: path, problem: error.diagnostic.message)
        }
        guard let object = root.objectValue else {
            throw .sourceMalformed(path: path, problem: "it holds no JSON object")
        }
        guard let tokens = object["tokens"], tokens != .null else {
            let hasKey = object["OPENAI_API_KEY"]?.stringValue?.isEmpty == false
            throw hasKey ? .sourceHasOnlyAPIKey(path: path) : .sourceNotLoggedIn(path: path)
        }
        guard tokens.objectValue != nil else { throw .sourceMalformed(path: path, problem: "`tokens` is no object") }
        let access = try Self.text(tokens, "access_token", path)
        let refresh = try Self.text(tokens, "refresh_token", path)
        let identity = try Self.optionalText(tokens, "id_token", path)
        guard let accessClaims = JSONWebToken(access) else {
            throw .sourceMalformed(path: path, problem: "`tokens.access_token` is no JWT")
        }
        guard let expiry = accessClaims.expiry else {
            throw .sourceMalformed(path: path, problem: "`tokens.access_token` has no valid `exp` claim")
        }
        let identityClaims = identity.flatMap(JSONWebToken.init)
        if identity != nil, identityClaims == nil {
            throw .sourceMalformed(path: path, problem: "`tokens.id_token` is no JWT")
        }
        let account = try Self.optionalText(tokens, "account_id", path) ?? identityClaims?.accountID
        guard let account = account ?? accessClaims.accountID else {
            throw .sourceMalformed(path: path, problem: "neither `tokens.account_id` nor a claim names the account")
        }
        self.init(
            accessToken: Secret(access), refreshToken: Secret(refresh), identityToken: identity.map { Secret($0) },
            accountID: account, email: identityClaims?.email ?? accessClaims.email,
            plan: identityClaims?.plan ?? accessClaims.plan,
            lastRefresh: try Self.lastRefresh(object, path) ?? accessClaims.issued ?? now, expiry: expiry)
    }

    private static func lastRefresh(_ object: JSONObject, _ path: String) throws(AuthError) -> Timestamp? {
        guard let value = object["last_refresh"], value != .null else { return nil }
        guard let text = value.stringValue, let moment = Timestamp(rfc3339: text) else {
            throw .sourceMalformed(path: path, problem: "`last_refresh` is no RFC 3339 date")
        }
        return moment
    }

    private static func text(_ tokens: JSONValue, _ name: String, _ path: String) throws(AuthError) -> String {
        guard let text = try optionalText(tokens, name, path) else {
            throw .sourceMalformed(path: path, problem: "`tokens.\(name)` is missing")
        }
        return text
    }

    private static func optionalText(_ tokens: JSONValue, _ name: String, _ path: String) throws(AuthError) -> String? {
        guard let value = tokens[name], value != .null else { return nil }
        guard let text = value.stringValue else {
            throw .sourceMalformed(path: path, problem: "`tokens.\(name)` is no string")
        }
        // They go into the headers of requests.
        guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw .sourceMalformed(path: path, problem: "`tokens.\(name)` has characters that no token has")
        }
        return text.isEmpty ? nil : text
    }
}
