// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import FetchProtocol
internal import JSONSyntax
internal import SystemIO
internal import Transfer

/// A release file on its way in: what an earlier process left, then the network, hashed and kept for a resume.
///
/// One pass: every byte is appended to the partial file, hashed there and handed to the archive reader.
final class ArtifactDownload {
    private let file: ReleaseFile
    private let partialPath: String
    private let notePath: String
    private let report: (Int, Int?) -> Void
    private let network: ResumingDownload
    private let partial: OwnedDescriptor
    private let checksum: TrailingChecksum
    /// Bytes of the partial file that are still to be read.
    private var storedBytes: Int
    private let buffer: UnsafeMutableRawBufferPointer
    private var savedValidator: String?

    /// Bytes of the file handed out so far.
    private(set) var readBytes = 0
    /// Whether an earlier process had fetched a part of it.
    let isResumed: Bool

    /// What is read from the partial file at once.
    private static let storedChunkBytes = 256 << 10

    init(
        _ file: ReleaseFile, in folder: String, artifact: String, catalog: ReleaseCatalog,
        report: @escaping (Int, Int?) -> Void
    ) throws(BootstrapError) {
        self.file = file
        self.report = report
        partialPath = Self.partialPath(in: folder, artifact: artifact, name: file.name)
        notePath = partialPath + ".json"
        let path = partialPath
        let note = Self.note(at: notePath, for: file)
        try storing { () throws(SystemError) in
            try PrivateDirectory.create(folder)
            if note == nil { try FileSystem.remove(path) }
        }
        partial = try storing { () throws(SystemError) in
            try OwnedDescriptor.open(path, [.readWrite, .create, .noFollow])
        }
        checksum = try storing { () throws(SystemError) in try TrailingChecksum(path: path) }
        buffer = .allocate(byteCount: Self.storedChunkBytes, alignment: 16)
        storedBytes = (try storing { () throws(SystemError) in try FileSystem.status(path) })?.sizeBytes ?? 0
        isResumed = storedBytes > 0
        savedValidator = note?.validator
        let url = try fetching { () throws(TransferError) in try TransferURL(file.url) }
        let channel = catalog.channel
        network = ResumingDownload(
            catalog.request(url), settings: catalog.settings, offset: storedBytes, validator: savedValidator,
            onRetry: { error, delay in
                let seconds = Double(delay.wholeMilliseconds) / 1000
                channel.progress(artifact, "retry", "\(error.diagnostic.message); again in \(seconds) s")
            })
    }

    deinit {
        buffer.deallocate()
    }

    /// The next bytes; empty at the end of the file.
    func read() throws(BootstrapError) -> UnsafeRawBufferPointer {
        let bytes = storedBytes > 0 ? try readStored() : try readNetwork()
        readBytes += bytes.count
        try storing { () throws(SystemError) in try checksum.grew(to: readBytes) }
        report(readBytes, network.totalBytes ?? file.sizeBytes)
        return bytes
    }

    /// The sha256 of all that was read.
    func digest() throws(BootstrapError) -> String {
        try storing { () throws(SystemError) in try checksum.finish(count: readBytes) }
    }

    /// Forgets what has been fetched: it is installed, or it is wrong.
    func discard() throws(BootstrapError) {
        let paths = [partialPath, notePath]
        try storing { () throws(SystemError) in
            for path in paths { try FileSystem.remove(path) }
        }
    }

    private func readStored() throws(BootstrapError) -> UnsafeRawBufferPointer {
        let wanted = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(storedBytes, buffer.count)])
        let count = try storing { () throws(SystemError) in try partial.read(into: wanted, path: partialPath) }
        // Shorter than it was a moment ago: somebody else is at it, and the checksum will tell.
        storedBytes = count == 0 ? 0 : storedBytes - count
        return UnsafeRawBufferPointer(rebasing: wanted[..<count])
    }

    private func readNetwork() throws(BootstrapError) -> UnsafeRawBufferPointer {
        if let size = file.sizeBytes, readBytes == size, isResumed, network.totalBytes == nil {
            return UnsafeRawBufferPointer(start: nil, count: 0)
        }
        let bytes = try fetching { () throws(TransferError) in try network.read() }
        if network.validator != savedValidator || readBytes == 0 { try saveNote() }
        try storing { () throws(SystemError) in
            try OwnedDescriptor.writeAll(bytes, to: partial.rawValue, path: partialPath)
        }
        return bytes
    }

    // MARK: The note beside the partial file

    private func saveNote() throws(BootstrapError) {
        savedValidator = network.validator
        let note: JSONValue = [
            "url": .string(file.url), "sha256": JSONValue(file.sha256), "validator": JSONValue(savedValidator),
        ]
        try storing { () throws(SystemError) in
            try AtomicFile.write(JSONWriter.bytes(of: note), to: notePath, mode: 0o600)
        }
    }

    /// The note of an earlier process, if it was after the same file.
    private static func note(at path: String, for file: ReleaseFile) -> (validator: String?, Void)? {
        guard let bytes = try? FileSystem.read(path, limit: 64 << 10), let json = try? JSONParser.parse(bytes),
            json["url"]?.stringValue == file.url, json["sha256"]?.stringValue == file.sha256
        else { return nil }
        return (json["validator"]?.stringValue, ())
    }

    private static func partialPath(in folder: String, artifact: String, name: String) -> String {
        "\(folder)/\(artifact)__\(name).part"
    }

    /// Removes what older, abandoned downloads of `artifact` have left.
    static func removeAll(in folder: String, artifact: String) {
        for name in (try? FileSystem.list(folder)) ?? [] where name.hasPrefix(artifact + "__") {
            try? FileSystem.remove(folder + "/" + name)
        }
    }
}
