// SPDX-License-Identifier: MIT

internal import Crypto
package import SystemIO

/// A running sha256.
package struct Checksum {
    private var state = SHA256()

    package init() {}

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        state.update(bufferPointer: bytes)
    }

    /// 64 lower-case hexadecimal digits.
    package consuming func finish() -> String {
        var text = ""
        text.reserveCapacity(64)
        let digits = Array("0123456789abcdef".unicodeScalars)
        for byte in state.finalize() {
            text.unicodeScalars.append(digits[Int(byte >> 4)])
            text.unicodeScalars.append(digits[Int(byte & 0xF)])
        }
        return text
    }

    /// The sha256 of bytes in memory.
    package static func of(_ bytes: [UInt8]) -> String {
        var checksum = Checksum()
        bytes.withUnsafeBytes { checksum.update($0) }
        return checksum.finish()
    }

    /// The sha256 and size of a file, read in pieces.
    package static func ofFile(_ path: String) throws(SystemError) -> (sha256: String, sizeBytes: Int) {
        let descriptor = try OwnedDescriptor.open(path, [.readOnly])
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        var checksum = Checksum()
        var size = 0
        while case let count = try descriptor.read(into: buffer, path: path), count > 0 {
            size += count
            checksum.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
        }
        return (checksum.finish(), size)
    }
}
