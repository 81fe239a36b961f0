// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import Synchronization
internal import SystemIO

/// Where a front sends requests: the small file that a switch replaces, read again whenever it is another one.
///
/// Each request looks at the file, so a switch holds from the moment of the rename on, without a signal that could be
/// late or lost.
final class FrontTarget: Sendable {
    struct Address: Equatable, Sendable {
        let host: String
        let port: Int
    }

    private struct Known {
        var status: FileStatus?
        var address: Address?
    }

    private static let sizeLimit = 4096

    private let path: String
    /// Where the front itself listens: whom it must not pass requests to.
    private let ownPort: Int
    private let known = Mutex(Known())

    init(path: String, ownPort: Int) {
        self.path = path
        self.ownPort = ownPort
    }

    /// nil while nobody stands behind the front.
    func address() -> Address? {
        let status = try? FileSystem.status(path)
        return known.withLock { known in
            if status == nil || known.status != status {
                known.status = status
                known.address = Self.read(path).flatMap { isOwn($0) ? nil : $0 }
            }
            return known.address
        }
    }

    private func isOwn(_ address: Address) -> Bool {
        address.port == ownPort && ListeningSocket.isLoopback(address.host)
    }

    private static func read(_ path: String) -> Address? {
        guard let bytes = try? FileSystem.read(path, limit: sizeLimit), let json = try? JSONParser.parse(bytes),
            let port = json["port"]?.integerValue, (1...65535).contains(port)
        else { return nil }
        return Address(host: json["host"]?.stringValue ?? "127.0.0.1", port: port)
    }
}
