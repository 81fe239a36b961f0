// SPDX-License-Identifier: MIT

internal import NIOCore
internal import NIOSSL
internal import Synchronization

/// TLS to upstreams, verified against the system's certificate store.
final class UpstreamTLS: Sendable {
    // Reading the store takes tens of milliseconds, so it waits until somebody needs it.
    private let cached = Mutex<NIOSSLContext?>(nil)
    private let extraRoots: String?

    /// `extraRoots`: a PEM file of certificates trusted beside the system's.
    init(extraRoots: String? = nil) {
        self.extraRoots = extraRoots
    }

    /// A handler for one connection to `host`.
    func handler(for host: String) throws -> NIOSSLClientHandler {
        let context = try cached.withLock { held in
            if let held { return held }
            var configuration = TLSConfiguration.makeClientConfiguration()
            configuration.minimumTLSVersion = .tlsv12
            configuration.applicationProtocols = ["http/1.1"]
            if let extraRoots { configuration.additionalTrustRoots = [.file(extraRoots)] }
            let made = try NIOSSLContext(configuration: configuration)
            held = made
            return made
        }
        // An address is no server name; the certificate is then checked for the address itself.
        return try NIOSSLClientHandler(context: context, serverHostname: Self.isAddress(host) ? nil : host)
    }

    private static func isAddress(_ host: String) -> Bool {
        (try? SocketAddress(ipAddress: host, port: 0)) != nil
    }

    /// What went wrong in TLS, or nil when `error` is of another kind.
    static func problem(in error: any Error) -> String? {
        switch error {
        case let error as NIOSSLError: "\(error)"
        case let error as BoringSSLError: "\(error)"
        case let error as NIOSSLExtraError: error.description
        default: nil
        }
    }
}
