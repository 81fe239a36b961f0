// SPDX-License-Identifier: MIT

/// Times as people write them: `250ms`, `10s`, `1m30s`, `30d`; a plain number counts seconds.
package enum DurationText {
    private static let units: [(name: String, nanoseconds: Int64)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1000),
    ]

    /// nil for what is no time, is negative, or does not fit 64 bits of nanoseconds.
    package static func parse(_ text: String) -> Duration? {
        if let plain = plain(text) { return plain }
        var rest = Substring(text)
        guard !rest.isEmpty else { return nil }
        var total: Int64 = 0
        var isFirst = true
        while !rest.isEmpty {
            let number = rest.prefix { $0 == "." || $0.isASCIIDigit }
            rest = rest.dropFirst(number.count)
            let unit = rest.prefix { !($0 == "." || $0.isASCIIDigit) }
            rest = rest.dropFirst(unit.count)
            let scale: Int64
            if unit.isEmpty {
                guard isFirst else { return nil }
                scale = 1_000_000_000
            } else {
                guard let found = units.first(where: { $0.name == unit }) else { return nil }
                scale = found.nanoseconds
            }
            guard let part = scaled(number, by: scale) else { return nil }
            let (sum, overflow) = total.addingReportingOverflow(part)
            guard !overflow else { return nil }
            total = sum
            isFirst = false
        }
        return .nanoseconds(total)
    }

    /// One whole number with one unit, which nearly all are.
    private static func plain(_ text: String) -> Duration? {
        var number: Int64 = 0
        var unit = Substring(text).utf8
        while let byte = unit.first, 0x30...0x39 ~= byte {
            guard number < 1_000_000 else { return nil }
            number = number * 10 + Int64(byte - 0x30)
            unit.removeFirst()
        }
        guard unit.count < text.utf8.count, let first = unit.first else { return nil }
        let isMilli = unit.count == 2 && first == UInt8(ascii: "m") && unit.last == UInt8(ascii: "s")
        guard unit.count == 1 || isMilli else { return nil }
        switch first {
        case UInt8(ascii: "s"): return .seconds(number)
        case UInt8(ascii: "m"): return isMilli ? .milliseconds(number) : .seconds(number * 60)
        case UInt8(ascii: "h"): return .seconds(number * 3600)
        case UInt8(ascii: "d"): return .seconds(number * 86_400)
        default: return nil
        }
    }

    /// The shortest exact spelling in one unit.
    package static func write(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
        guard nanoseconds != 0 else { return "0s" }
        // Minutes are used only where they are what people say: 60s and 90s stay seconds.
        for unit in units where nanoseconds % unit.nanoseconds == 0 {
            if unit.name == "m", nanoseconds < 120_000_000_000 { continue }
            return "\(nanoseconds / unit.nanoseconds)\(unit.name)"
        }
        return "\(nanoseconds)ns"
    }

    /// `digits` with an optional fraction, in units of `scale`, without binary rounding.
    private static func scaled(_ digits: Substring, by scale: Int64) -> Int64? {
        let parts = digits.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count <= 2, let whole = Int64(parts[0]) else { return nil }
        let (product, overflow) = whole.multipliedReportingOverflow(by: scale)
        guard !overflow else { return nil }
        guard parts.count == 2 else { return product }
        guard !parts[1].isEmpty, parts[1].count <= 9, let fraction = Int64(parts[1]) else { return nil }
        let divisor = (0..<parts[1].count).reduce(Int64(1)) { power, _ in power * 10 }
        let (numerator, tooLarge) = fraction.multipliedReportingOverflow(by: scale)
        guard !tooLarge else { return nil }
        let (sum, carries) = product.addingReportingOverflow(numerator / divisor)
        return carries ? nil : sum
    }
}

/// Sizes as people write them: `10MiB`, `512 KB`; a plain number counts bytes.
package enum ByteSizeText {
    private static let units: [(name: String, bytes: Int)] = [
        ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10), ("TB", 1_000_000_000_000),
        ("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1000), ("B", 1),
    ]

    package static func parse(_ text: String) -> Int? {
        let digits = text.prefix { $0.isASCIIDigit }
        guard let number = Int(digits) else { return nil }
        var unit = text.dropFirst(digits.count)
        if unit.isEmpty { return number }
        if unit.first == " " { unit = unit.dropFirst() }
        guard let scale = units.first(where: { $0.name == unit })?.bytes else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: scale)
        return overflow ? nil : product
    }

    package static func write(_ count: Int) -> String {
        for unit in units where count >= unit.bytes && count % unit.bytes == 0 {
            return "\(count / unit.bytes)\(unit.name)"
        }
        return "\(count)B"
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { ("0"..."9").contains(self) && isASCII }
}
