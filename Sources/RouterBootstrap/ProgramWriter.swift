// SPDX-License-Identifier: MIT

internal import SystemIO

/// Writes a program while it is unpacked, and has what is written hashed beside.
struct ProgramWriter {
    /// The disk is told to begin after this many bytes, so that the fsync at the end has little left to wait for.
    private static let writebackBytes = 8 << 20

    private let descriptor: Int32
    private let path: String
    private let checksum: TrailingChecksum
    private var startedBytes = 0
    private(set) var writtenBytes = 0
    /// The first bytes, which say what kind of program it is.
    private(set) var head: [UInt8] = []

    /// - Parameter descriptor: empty, positioned at its start, and open as long as the value is used.
    init(descriptor: Int32, path: String) throws(SystemError) {
        self.descriptor = descriptor
        self.path = path
        checksum = try TrailingChecksum(path: path)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        if head.count < ProgramFormat.headBytes {
            head.append(contentsOf: bytes.prefix(ProgramFormat.headBytes - head.count))
        }
        try OwnedDescriptor.writeAll(bytes, to: descriptor, path: path)
        writtenBytes += bytes.count
        try checksum.grew(to: writtenBytes)
        if writtenBytes - startedBytes >= Self.writebackBytes {
            FileSystem.startWriteback(descriptor, offset: startedBytes, length: writtenBytes - startedBytes)
            startedBytes = writtenBytes
        }
    }

    /// The sha256 of all that was written.
    func finish() throws(SystemError) -> String { try checksum.finish(count: writtenBytes) }
}
