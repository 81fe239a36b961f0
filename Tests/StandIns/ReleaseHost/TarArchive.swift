// SPDX-License-Identifier: MIT

/// Writes tar archives member by member, the honest ones and those that an attacker would make.
struct TarArchive {
    enum Kind: UInt8 {
        case file = 0x30
        case hardLink = 0x31
        case symbolicLink = 0x32
        case device = 0x33
    }

    private(set) var bytes: [UInt8] = []

    mutating func add(
        _ name: String, _ content: [UInt8] = [], kind: Kind = .file, link: String = "", claimedSize: Int? = nil
    ) {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at offset: Int) {
            for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
        }
        put(name, at: 0)
        put("0000755", at: 100)
        put("0000000", at: 108)
        put("0000000", at: 116)
        put(Self.octal(claimedSize ?? content.count, 11), at: 124)
        put("14000000000", at: 136)
        header[156] = kind.rawValue
        put(link, at: 157)
        put("ustar", at: 257)
        put("00", at: 263)
        put("        ", at: 148)
        put(Self.octal(header.reduce(0) { $0 + Int($1) }, 6) + "\0 ", at: 148)
        bytes += header + content
        bytes += [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    }

    /// The archive with its end marker.
    var finished: [UInt8] { bytes + [UInt8](repeating: 0, count: 1024) }

    private static func octal(_ number: Int, _ width: Int) -> String {
        let digits = String(number, radix: 8)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

/// Writes gzip streams without a compression library: stored blocks, and runs of zeros.
enum Gzip {
    private static let header: [UInt8] = [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 3]

    static func stored(_ bytes: [UInt8]) -> [UInt8] {
        var result = header
        var rest = bytes[...]
        repeat {
            let block = rest.prefix(0xFFFF)
            rest = rest.dropFirst(block.count)
            let count = UInt16(block.count)
            result.append(rest.isEmpty ? 1 : 0)
            result += [UInt8(count & 0xFF), UInt8(count >> 8), UInt8(~count & 0xFF), UInt8(~count >> 8)]
            result += block
        } while !rest.isEmpty
        return result + littleEndian(CRC32.of(bytes)) + littleEndian(UInt32(truncatingIfNeeded: bytes.count))
    }

    /// `prefix` stored, then `count` zeros in 1/158 of their size; the stream has no proper end.
    static func zeros(_ count: Int, after prefix: [UInt8]) -> [UInt8] {
        let size = UInt16(prefix.count)
        var result = header + [0, UInt8(size & 0xFF), UInt8(size >> 8), UInt8(~size & 0xFF), UInt8(~size >> 8)]
        result += prefix
        var bits = BitWriter()
        // One last block with the fixed codes: a zero, then "repeat the last byte 258 times" again and again.
        bits.write(0b011, 3)
        bits.writeCode(0x30, 8)
        for _ in 0..<16 {
            bits.writeCode(0b1100_0101, 8)
            bits.writeCode(0, 5)
        }
        // Eight of these 13-bit pairs fill 13 bytes, so from the third byte on the stream repeats itself.
        result += bits.bytes[..<2]
        let period = bits.bytes[2..<15]
        for _ in 0..<(count / 258 / 8) { result += period }
        return result
    }

    private static func littleEndian(_ number: UInt32) -> [UInt8] {
        [UInt8(number & 0xFF), UInt8(number >> 8 & 0xFF), UInt8(number >> 16 & 0xFF), UInt8(number >> 24)]
    }
}

/// Bits in the order of deflate: from the lowest of each byte, codes from their highest.
private struct BitWriter {
    private(set) var bytes: [UInt8] = []
    private var current: UInt8 = 0
    private var used: UInt8 = 0

    mutating func write(_ value: UInt32, _ count: Int) {
        for index in 0..<count { append(UInt8(value >> UInt32(index) & 1)) }
    }

    mutating func writeCode(_ value: UInt32, _ count: Int) {
        for index in (0..<count).reversed() { append(UInt8(value >> UInt32(index) & 1)) }
    }

    private mutating func append(_ bit: UInt8) {
        current |= bit << used
        used += 1
        if used == 8 {
            bytes.append(current)
            current = 0
            used = 0
        }
    }
}

enum CRC32 {
    private static let table: [UInt32] = (0..<256).map { index in
        (0..<8).reduce(UInt32(index)) { value, _ in value & 1 == 1 ? value >> 1 ^ 0xEDB8_8320 : value >> 1 }
    }

    static func of(_ bytes: [UInt8]) -> UInt32 {
        ~bytes.reduce(~UInt32(0)) { crc, byte in crc >> 8 ^ table[Int((crc ^ UInt32(byte)) & 0xFF)] }
    }
}

/// A zip archive of one stored file.
enum Zip {
    static func stored(_ name: String, _ content: [UInt8]) -> [UInt8] {
        func two(_ number: Int) -> [UInt8] { [UInt8(number & 0xFF), UInt8(number >> 8 & 0xFF)] }
        func four(_ number: Int) -> [UInt8] { two(number & 0xFFFF) + two(number >> 16) }
        let common =
            two(20) + two(0) + two(0) + two(0) + two(0x21) + four(Int(CRC32.of(content))) + four(content.count)
            + four(content.count) + two(name.utf8.count) + two(0)
        let local = [0x50, 0x4B, 3, 4] + common + Array(name.utf8) + content
        let central =
            [0x50, 0x4B, 1, 2] + two(20) + common + two(0) + two(0) + two(0) + four(0) + four(0) + Array(name.utf8)
        let end =
            [0x50, 0x4B, 5, 6] + two(0) + two(0) + two(1) + two(1) + four(central.count) + four(local.count) + two(0)
        return local + central + end
    }
}
