// SPDX-License-Identifier: MIT

internal import SystemIO
internal import Transfer

/// Writes a program while it is unpacked, and hashes what it writes.
///
/// All on one thread: a block is hashed and written while it is still in the processor's cache, which was measured to be
/// faster than handing it to a second thread.
struct ProgramWriter {
    /// The disk is told to begin after this many bytes, so that the fsync at the end has little left to wait for.
    private static let writebackBytes = 8 << 20

    private let descriptor: Int32
    private let path: String
    private var checksum = Checksum()
    private var startedBytes = 0
    private(set) var writtenBytes = 0
    /// The first bytes, which say what kind of program it is.
    private(set) var head: [UInt8] = []

    /// - Parameter descriptor: empty, positioned at its start, and open as long as the value is used.
    init(descriptor: Int32, path: String) {
        self.descriptor = descriptor
        self.path = path
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) throws(SystemError) {
        if head.count < ProgramFormat.headBytes {
            head.append(contentsOf: bytes.prefix(ProgramFormat.headBytes - head.count))
        }
        checksum.update(bytes)
        try OwnedDescriptor.writeAll(bytes, to: descriptor, path: path)
        writtenBytes += bytes.count
        if writtenBytes - startedBytes >= Self.writebackBytes {
            FileSystem.startWriteback(descriptor, offset: startedBytes, length: writtenBytes - startedBytes)
            startedBytes = writtenBytes
        }
    }

    /// The sha256 of all that was written.
    consuming func finish() -> String { checksum.finish() }
}
