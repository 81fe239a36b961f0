// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import SystemIO
package import Transfer

/// Sends management calls with libcurl.
package struct CurlTransport: ManagementTransport {
    /// Answers of the management API are lists of a few hundred credentials at most.
    private static let sizeLimitBytes = 8 << 20

    private let settings: TransferSettings

    /// - Parameter settings: proxies and certificates; time-outs and sizes are set here.
    package init(settings: TransferSettings) {
        var settings = settings
        settings.connectTimeout = .seconds(5)
        // Starting a device flow waits for the provider.
        settings.totalTimeout = .seconds(30)
        settings.sizeLimitBytes = Self.sizeLimitBytes
        // A redirect would carry the question, and perhaps the key, to somebody else.
        settings.redirectLimit = 0
        self.settings = settings
    }

    package func send(_ call: ManagementCall) throws(ManagementFailure) -> ManagementReply {
        var settings = settings
        if let limit = call.limit {
            settings.connectTimeout = min(settings.connectTimeout, limit)
            settings.totalTimeout = min(settings.totalTimeout ?? limit, limit)
        }
        do throws(TransferError) {
            var request = TransferRequest(try TransferURL(call.url))
            request.method = call.method.rawValue
            if let key = call.key { request.authorization = Secret("Bearer " + key.reveal()) }
            request.body = call.body
            request.contentType = call.contentType
            let response = try HTTPExchange(settings: settings).send(request)
            return ManagementReply(
                status: response.head.status,
                serverVersion: response.head["x-cpa-version"].map { LogSafe.line($0, limit: 60) },
                body: response.body)
        } catch {
            throw .unreachable(word: error.word, detail: error.diagnostic.message)
        }
    }
}
