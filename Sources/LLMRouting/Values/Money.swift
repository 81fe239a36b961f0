// SPDX-License-Identifier: MIT

/// An amount of US dollars, exact to a picodollar (12 decimals).
///
/// Prices of single tokens and budgets of a year are the same type, so that sums never pass through binary fractions.
/// The range is ± 9.2 million dollars; arithmetic that would leave it stays at its limit.
public struct Money: Comparable, Hashable, Sendable {
    /// The amount in units of 10⁻¹² dollars.
    public let picodollars: Int64

    public init(picodollars: Int64) {
        self.picodollars = picodollars
    }

    /// Nothing.
    public static let zero = Money(picodollars: 0)
    /// The largest amount, which stands for more as well.
    public static let limit = Money(picodollars: .max)

    private static let picodollarsPerDollar: Int64 = 1_000_000_000_000
    private static let decimals = 12

    /// Whole dollars.
    public static func dollars(_ amount: Int64) -> Money {
        Money(picodollars: amount) * picodollarsPerDollar
    }

    public static func < (left: Money, right: Money) -> Bool {
        left.picodollars < right.picodollars
    }

    public static func + (left: Money, right: Money) -> Money {
        let (sum, overflow) = left.picodollars.addingReportingOverflow(right.picodollars)
        return Money(picodollars: overflow ? (right.picodollars < 0 ? .min : .max) : sum)
    }

    public static func - (left: Money, right: Money) -> Money {
        let (difference, overflow) = left.picodollars.subtractingReportingOverflow(right.picodollars)
        return Money(picodollars: overflow ? (right.picodollars < 0 ? .max : .min) : difference)
    }

    public static func * (money: Money, factor: some BinaryInteger) -> Money {
        let (product, overflow) = money.picodollars.multipliedReportingOverflow(by: Int64(clamping: factor))
        return Money(picodollars: overflow ? ((money.picodollars < 0) == (factor < 0) ? .max : .min) : product)
    }

    public static func += (left: inout Money, right: Money) { left = left + right }
    public static func -= (left: inout Money, right: Money) { left = left - right }

    /// The amount as a binary fraction: for comparisons and charts, never for sums.
    public var approximateDollars: Double { Double(picodollars) / Double(Self.picodollarsPerDollar) }
}

/// Why a text is not an amount.
public enum MoneyError: Error, Equatable, Sendable {
    case notANumber(String)
    /// More than twelve decimals: the amount would have to be rounded.
    case tooPrecise(String)
    case tooLarge(String)
}

extension Money {
    /// Reads a decimal number exactly: `1.00`, `0.00002`, `1.5e-7`. Nothing is rounded.
    public init(exactly text: some StringProtocol) throws(MoneyError) {
        let scaled = try DecimalText(text, name: String(text)).scaled(by: Self.decimals)
        guard scaled.remainder == 0 else { throw MoneyError.tooPrecise(String(text)) }
        self.init(picodollars: scaled.whole)
    }

    /// Reads a decimal number to the nearest picodollar, for price lists whose numbers went through binary fractions
    /// (`8.999999999999999e-08`).
    public init(nearest text: some StringProtocol) throws(MoneyError) {
        let scaled = try DecimalText(text, name: String(text)).scaled(by: Self.decimals)
        let step: Int64 = scaled.remainder >= 5 ? (scaled.isNegative ? -1 : 1) : 0
        self.init(picodollars: scaled.whole + step)
    }
}

extension Money: CustomStringConvertible, LosslessStringConvertible {
    public init?(_ description: String) {
        guard let money = try? Money(exactly: description) else { return nil }
        self = money
    }

    /// The exact amount with at least two decimals: `1.00`, `0.00028`.
    public var description: String { decimalText(minimumDecimals: 2) }

    /// The exact amount without trailing zeros: `1`, `0.00028`.
    public var shortest: String { decimalText(minimumDecimals: 0) }

    private func decimalText(minimumDecimals: Int) -> String {
        let magnitude = picodollars.magnitude
        let (whole, fraction) = magnitude.quotientAndRemainder(dividingBy: UInt64(Self.picodollarsPerDollar))
        var digits = String(fraction)
        digits = String(repeating: "0", count: Self.decimals - digits.count) + digits
        while digits.count > minimumDecimals, digits.last == "0" { digits.removeLast() }
        let sign = picodollars < 0 ? "-" : ""
        return digits.isEmpty ? "\(sign)\(whole)" : "\(sign)\(whole).\(digits)"
    }
}

/// The parts of a decimal number in text: digits and the place of the point.
private struct DecimalText {
    let name: String
    var digits: [Int64] = []
    var pointShift = 0
    var isNegative = false

    init(_ text: some StringProtocol, name: String) throws(MoneyError) {
        self.name = name
        var characters = Substring(text)
        if let sign = characters.first, sign == "-" || sign == "+" {
            isNegative = sign == "-"
            characters.removeFirst()
        }
        let parts = characters.split(separator: "e", maxSplits: 1, omittingEmptySubsequences: false)
            .flatMap { $0.split(separator: "E", maxSplits: 1, omittingEmptySubsequences: false) }
        guard let mantissa = parts.first, parts.count <= 2 else { throw MoneyError.notANumber(name) }
        var sawPoint = false
        for character in mantissa {
            if character == ".", !sawPoint {
                sawPoint = true
            } else if let digit = character.wholeNumberValue, character.isASCII {
                digits.append(Int64(digit))
                if sawPoint { pointShift -= 1 }
            } else {
                throw MoneyError.notANumber(name)
            }
        }
        guard !digits.isEmpty else { throw MoneyError.notANumber(name) }
        if parts.count == 2 {
            guard let exponent = Int(parts[1]), abs(exponent) < 400 else { throw MoneyError.notANumber(name) }
            pointShift += exponent
        }
    }

    /// The number times a power of ten, as a whole part and what is left: the first digit behind the point, or 1 when
    /// only later digits are not zero.
    func scaled(by power: Int) throws(MoneyError) -> (whole: Int64, remainder: Int64, isNegative: Bool) {
        let kept = digits.count + pointShift + power
        var whole: Int64 = 0
        for index in 0..<max(0, kept) {
            if whole == 0, index >= digits.count { break }
            let (product, overflow) = whole.multipliedReportingOverflow(by: 10)
            let (sum, carries) = product.addingReportingOverflow(index < digits.count ? digits[index] : 0)
            guard !overflow, !carries else { throw MoneyError.tooLarge(name) }
            whole = sum
        }
        let rest = kept < 0 ? [0] + digits : Array(digits.dropFirst(kept))
        let first = rest.first ?? 0
        let remainder = first == 0 && rest.contains(where: { $0 != 0 }) ? 1 : first
        return (isNegative ? -whole : whole, remainder, isNegative)
    }
}
