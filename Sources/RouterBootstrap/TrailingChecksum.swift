// SPDX-License-Identifier: MIT

internal import SystemIO
internal import Transfer

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Hashes a file while it grows, on a thread of its own: what is read back is still in the system's page cache.
///
/// What is hashed is therefore what the file holds, not what was meant to be written.
final class TrailingChecksum {
    /// What the thread owns; it ends when the other end of `progress` closes.
    private final class Follower: Sendable {
        let path: String
        let file: OwnedDescriptor
        let progress: OwnedDescriptor
        let answer: OwnedDescriptor

        init(
            path: String, file: consuming OwnedDescriptor, progress: consuming OwnedDescriptor,
            answer: consuming OwnedDescriptor
        ) {
            self.path = path
            self.file = file
            self.progress = progress
            self.answer = answer
        }
    }

    /// How far the file must have grown before the thread is told.
    private static let stepBytes = 1 << 20
    private static let bufferBytes = 256 << 10
    private static let sizeBytes = MemoryLayout<Int>.size

    private let path: String
    private let progress: OwnedDescriptor
    private let answer: OwnedDescriptor
    private var toldBytes = 0

    /// - Parameter path: a file that the caller appends to, or reads from its start.
    init(path: String) throws(SystemError) {
        self.path = path
        var orders = try DescriptorPair.pipe()
        var answers = try DescriptorPair.pipe()
        let follower = Follower(
            path: path, file: try OwnedDescriptor.open(path, [.readOnly, .noFollow]), progress: orders.takeReadEnd(),
            answer: answers.takeWriteEnd())
        progress = orders.takeWriteEnd()
        answer = answers.takeReadEnd()
        try BackgroundThread.start { Self.follow(follower) }
    }

    /// The file has this many bytes now.
    func grew(to count: Int) throws(SystemError) {
        if count - toldBytes >= Self.stepBytes { try tell(count) }
    }

    /// The sha256 of the whole file, which has `count` bytes.
    func finish(count: Int) throws(SystemError) -> String {
        try tell(count)
        try tell(-1)
        let digest = try answer.read(upTo: 64, path: path)
        guard digest.count == 64 else { throw SystemError("hash", path: path, code: EIO) }
        return String(decoding: digest, as: UTF8.self)
    }

    private func tell(_ count: Int) throws(SystemError) {
        toldBytes = count
        try withUnsafeBytes(of: count) { bytes throws(SystemError) in
            try OwnedDescriptor.writeAll(bytes, to: progress.rawValue)
        }
    }

    /// Hashes as far as it is told; writes the digest at the end, and nothing when the file is abandoned or unreadable.
    private static func follow(_ follower: Follower) {
        var checksum = Checksum()
        var done = 0
        let orders = UnsafeMutableRawBufferPointer.allocate(byteCount: 64 * sizeBytes, alignment: sizeBytes)
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferBytes, alignment: 16)
        defer {
            orders.deallocate()
            buffer.deallocate()
        }
        while let received = try? follower.progress.read(into: orders), received >= sizeBytes {
            for count in orders[..<received].chunked(sizeBytes) {
                guard count >= 0 else {
                    let digest = checksum.finish()
                    try? OwnedDescriptor.writeAll(Array(digest.utf8), to: follower.answer.rawValue)
                    return
                }
                while done < count {
                    let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, count - done)])
                    guard let read = try? follower.file.read(into: piece, path: follower.path), read > 0 else { return }
                    checksum.update(UnsafeRawBufferPointer(rebasing: piece[..<read]))
                    done += read
                }
            }
        }
    }
}

extension Slice<UnsafeMutableRawBufferPointer> {
    /// The integers in it.
    fileprivate func chunked(_ size: Int) -> [Int] {
        stride(from: startIndex, to: endIndex - size + 1, by: size).map { base.load(fromByteOffset: $0, as: Int.self) }
    }
}
