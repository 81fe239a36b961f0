// SPDX-License-Identifier: MIT

internal import SystemIO
internal import Transfer

/// An archive that the operator brought, for machines without a network.
struct LocalArchive {
    let path: String

    var name: String { PathName.last(of: path) }

    /// What files beside the archive say about it: `<archive>.sha256` and `checksums.txt`.
    func expectedDigests() throws(BootstrapError) -> [(origin: String, sha256: String)] {
        var found: [(origin: String, sha256: String)] = []
        if let text = try text(of: path + ".sha256"), let digest = ChecksumFile.single(text, for: name) {
            found.append((name + ".sha256", digest))
        }
        if let text = try text(of: PathName.parent(of: path) + "/" + AssetChoice.checksumsName),
            let digest = ChecksumFile(text)[name]
        {
            found.append((AssetChoice.checksumsName, digest))
        }
        return found
    }

    private func text(of path: String) throws(BootstrapError) -> String? {
        guard FileSystem.exists(path) else { return nil }
        let bytes = try storing { () throws(SystemError) in try FileSystem.read(path, limit: 1 << 20) }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The version that release file names carry (`name_<version>_<system>_<processor>`), else one from the digest.
    func version(sha256: String) -> String {
        let parts = name.split(separator: "_")
        let systems = ["linux", "darwin", "freebsd", "windows"]
        if parts.count >= 4, let index = parts.firstIndex(where: { systems.contains(String($0)) }), index >= 2,
            FileNames.isSafe(String(parts[index - 1]))
        {
            return String(parts[index - 1])
        }
        return "local-" + sha256.prefix(12)
    }

    func open(report: @escaping (Int, Int?) -> Void) throws(BootstrapError) -> Reading {
        try Reading(path: path, report: report)
    }

    /// One pass over the file, hashed on the way.
    final class Reading {
        private let path: String
        private let descriptor: OwnedDescriptor
        private let report: (Int, Int?) -> Void
        private let totalBytes: Int?
        private let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        private var checksum = Checksum()
        private(set) var readBytes = 0

        init(path: String, report: @escaping (Int, Int?) -> Void) throws(BootstrapError) {
            self.path = path
            self.report = report
            descriptor = try storing { () throws(SystemError) in try OwnedDescriptor.open(path, [.readOnly]) }
            totalBytes = try? FileSystem.status(path)?.sizeBytes
        }

        deinit {
            buffer.deallocate()
        }

        func read() throws(BootstrapError) -> UnsafeRawBufferPointer {
            let count = try storing { () throws(SystemError) in try descriptor.read(into: buffer, path: path) }
            let bytes = UnsafeRawBufferPointer(rebasing: buffer[..<count])
            checksum.update(bytes)
            readBytes += count
            report(readBytes, totalBytes)
            return bytes
        }

        func digest() -> String {
            let copy = checksum
            return copy.finish()
        }
    }
}
