// SPDX-License-Identifier: MIT

internal import Crypto
package import Diagnostics
internal import GatewayConfig

/// A key that clients may show, and what it allows.
package struct ClientKey: Sendable {
    /// Names the key in logs, budgets and limits; never the key itself.
    package var name: String
    /// SHA-256 of the key.
    package var digest: [UInt8]
    /// Empty allows all models.
    package var models: Set<String> = []
    /// Seconds since 1970.
    package var expires: Int64?

    package init(name: String, digest: [UInt8]) {
        self.name = name
        self.digest = digest
    }

    package init(name: String, key: Secret<String>) {
        self.init(name: name, digest: Self.digest(of: Array(key.reveal().utf8)))
    }

    init(_ spec: ClientKeySpec) {
        switch spec.proof {
        case .key(let key): self.init(name: spec.name, key: key)
        case .sha256(let digest): self.init(name: spec.name, digest: digest)
        }
        models = spec.models
        expires = spec.expires
    }

    package static func digest(of bytes: some Sequence<UInt8>) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: Array(bytes))
        return Array(hash.finalize())
    }
}

/// The keys of a gateway. Which key matches, and how much of it, never shows in the time that a look-up takes.
package struct ClientKeys: Sendable {
    private let keys: [ClientKey]
    private let places: [[UInt8]: Int]

    package init(_ keys: [ClientKey]) {
        self.keys = keys
        self.places = Dictionary(keys.enumerated().map { ($1.digest, $0) }, uniquingKeysWith: { first, _ in first })
    }

    package var isEmpty: Bool { keys.isEmpty }

    /// The entry of `key`. Digests are compared, so that the time tells nothing about the bytes of a key.
    package func find(_ key: UnsafeRawBufferPointer) -> ClientKey? {
        guard key.count <= 1024 else { return nil }
        let digest = ClientKey.digest(of: key)
        guard let place = places[digest] else { return nil }
        var difference: UInt8 = 0
        for (left, right) in zip(keys[place].digest, digest) { difference |= left ^ right }
        return difference == 0 ? keys[place] : nil
    }
}

/// A key that a connection showed and that was found good.
final class ShownKey {
    let key: ClientKey
    /// Of the configuration that knew it.
    let generation: Int
    private let bytes: [UInt8]

    init(_ bytes: UnsafeRawBufferPointer, _ key: ClientKey, generation: Int) {
        self.key = key
        self.generation = generation
        self.bytes = Array(bytes)
    }

    /// Compares all bytes, so that the time does not tell where a difference is.
    func equals(_ other: UnsafeRawBufferPointer) -> Bool {
        guard other.count == bytes.count else { return false }
        var difference: UInt8 = 0
        bytes.withUnsafeBytes { own in
            for index in own.indices { difference |= own[index] ^ other[index] }
        }
        return difference == 0
    }
}
