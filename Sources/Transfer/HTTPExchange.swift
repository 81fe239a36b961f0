// SPDX-License-Identifier: MIT

package import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A whole answer of bounded size.
package struct TransferResponse: Equatable, Sendable {
    package let head: ResponseHead
    package let body: [UInt8]
    /// The redacted URL that answered.
    package let location: String

    /// The error that the answer means; nil for a success.
    package func failure(now: Timestamp) -> TransferError? {
        head.failure(url: location, now: now)
    }
}

/// Requests whose answers fit into memory.
package struct HTTPExchange: Sendable {
    private let settings: TransferSettings
    private let pause: @Sendable (Duration) -> Void

    /// - Parameter pause: waits between attempts; replaced by tests.
    package init(settings: TransferSettings, pause: @escaping @Sendable (Duration) -> Void = HTTPExchange.sleep) {
        self.settings = settings
        self.pause = pause
    }

    /// Sends once and returns the answer, whatever its status.
    package func send(_ request: TransferRequest) throws(TransferError) -> TransferResponse {
        let stream = try TransferStream(request, settings: settings)
        var body: [UInt8] = []
        while case let bytes = try stream.read(), !bytes.isEmpty { body.append(contentsOf: bytes) }
        return TransferResponse(head: stream.head, body: body, location: stream.location)
    }

    /// GETs with retries; answers other than 2xx are thrown as what they mean.
    package func get(_ request: TransferRequest) throws(TransferError) -> TransferResponse {
        var failures = 0
        while true {
            let problem: TransferError
            do throws(TransferError) {
                let response = try send(request)
                guard let failure = response.failure(now: .now()) else { return response }
                problem = failure
            } catch {
                problem = error
            }
            failures += 1
            switch settings.retry.decision(after: problem, failures: failures, random: .random(in: 0..<1)) {
            case .retry(let delay): pause(delay)
            case .giveUp: throw problem.afterGivingUp(attempts: failures)
            }
        }
    }

    /// GETs what must be JSON: a page of a proxy or portal is refused in words of its own.
    package func getJSON(_ request: TransferRequest) throws(TransferError) -> [UInt8] {
        let response = try get(request)
        let first = response.body.first { $0 > 0x20 }
        guard first == UInt8(ascii: "{") || first == UInt8(ascii: "[") else {
            throw .notJSON(
                url: response.location, contentType: response.head["content-type"], isHTML: first == UInt8(ascii: "<"))
        }
        return response.body
    }

    package static func sleep(_ duration: Duration) {
        usleep(UInt32(clamping: duration.wholeNanoseconds / 1000))
    }
}
