// SPDX-License-Identifier: MIT

internal import FetchProtocol
internal import JSONSyntax
internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The ledger on disk, and the lock without which nobody changes it or what it describes.
struct LedgerFile: ~Copyable {
    /// A download of the largest release on a slow line; whoever waits longer should look for what hangs.
    static let lockPatience = Duration.seconds(30 * 60)

    private let layout: RuntimeLayout
    let lock: FileLock
    private(set) var ledger: Ledger
    /// Set when the file on disk was unreadable and has been started anew.
    let wasDamaged: Bool

    /// Waits for the lock and reads the ledger.
    ///
    /// - Parameter onWait: called once when another process holds the lock.
    init(_ layout: RuntimeLayout, onWait: () -> Void) throws(BootstrapError) {
        self.layout = layout
        lock = try Self.acquire(layout, onWait: onWait)
        do {
            ledger = try Self.read(layout)
            wasDamaged = false
        } catch {
            ledger = Ledger()
            wasDamaged = true
        }
    }

    /// The ledger as it is on disk, empty when there is none.
    static func read(_ layout: RuntimeLayout) throws -> Ledger {
        guard FileSystem.exists(layout.ledger) else { return Ledger() }
        let bytes = try FileSystem.read(layout.ledger, limit: Ledger.limitBytes)
        return try Ledger(json: try JSONParser.parse(bytes))
    }

    /// Replaces the file.
    mutating func store(_ ledger: Ledger) throws(BootstrapError) {
        let bytes = JSONWriter.bytes(of: ledger.json, layout: .indented) + [UInt8(ascii: "\n")]
        do throws(SystemError) {
            try AtomicFile.write(bytes, to: layout.ledger, mode: 0o600)
        } catch {
            throw .system(error)
        }
        self.ledger = ledger
    }

    private static func acquire(_ layout: RuntimeLayout, onWait: () -> Void) throws(BootstrapError) -> FileLock {
        do throws(SystemError) {
            try PrivateDirectory.claim(layout.root)
            if let lock = try FileLock.tryAcquire(layout.lock) { return lock }
            onWait()
            let deadline = MonotonicTime.now() + lockPatience
            while MonotonicTime.now() < deadline {
                usleep(50_000)
                if let lock = try FileLock.tryAcquire(layout.lock) { return lock }
            }
        } catch {
            throw .system(error)
        }
        throw .anotherRunning(path: layout.lock)
    }
}
