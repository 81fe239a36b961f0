// SPDX-License-Identifier: MIT

import LLMRouting
import Testing

struct MoneyTests {
    @Test(arguments: [
        ("1.00", 1_000_000_000_000), ("0.00002", 20_000_000), ("0.000015", 15_000_000), ("1.5e-7", 150_000),
        ("6E-07", 600_000), ("0", 0), ("-2.5", -2_500_000_000_000), ("+3", 3_000_000_000_000),
        ("0.000000000001", 1), ("0.0000000000010", 1), ("12e3", 12_000_000_000_000_000), (".5", 500_000_000_000),
        ("5.", 5_000_000_000_000), ("0e99", 0),
    ])
    func `reads a decimal exactly`(_ text: String, _ picodollars: Int) throws {
        #expect(try Money(exactly: text).picodollars == Int64(picodollars))
    }

    @Test(arguments: [
        ("", MoneyError.notANumber("")), ("x", .notANumber("x")), ("1.2.3", .notANumber("1.2.3")),
        (".", .notANumber(".")), ("1e", .notANumber("1e")), ("١", .notANumber("١")), ("1e9999", .notANumber("1e9999")),
        ("0.0000000000001", .tooPrecise("0.0000000000001")), ("9999999999", .tooLarge("9999999999")),
    ])
    func `refuses what it cannot hold exactly`(_ text: String, _ error: MoneyError) {
        #expect(throws: error) { try Money(exactly: text) }
    }

    @Test(arguments: [("8.999999999999999e-08", 90_000), ("0.0000000000004", 0), ("0.0000000000005", 1)])
    func `rounds a price list's binary noise when asked to`(_ text: String, _ picodollars: Int) throws {
        #expect(try Money(nearest: text).picodollars == Int64(picodollars))
    }

    @Test(arguments: [
        ("1", "1.00", "1"), ("0.00028", "0.00028", "0.00028"), ("-0.5", "-0.50", "-0.5"), ("0", "0.00", "0"),
    ])
    func `prints exactly`(_ text: String, _ long: String, _ short: String) throws {
        let money = try Money(exactly: text)
        #expect(money.description == long && money.shortest == short)
    }

    @Test func `every amount survives printing and reading`() throws {
        var random = SeededRandom(seed: 3)
        for _ in 0..<10_000 {
            let money = Money(
                picodollars: Int64.random(in: .min + 1 ... .max, using: &random)
                    >> Int64.random(in: 0...62, using: &random))
            #expect((try Money(exactly: money.description)) == money)
            #expect((try Money(exactly: money.shortest)) == money)
        }
    }

    @Test func `sums stay at the limit instead of wrapping`() {
        #expect(Money.limit + Money(picodollars: 1) == .limit)
        #expect(Money.limit * 2 == .limit)
        #expect(Money.limit * -2 < .zero)
    }

    @Test func `tokens cost what the price list says`() throws {
        let prices = TokenPrices(
            input: try Money(exactly: "0.00002"), output: try Money(exactly: "0.00006"),
            cachedInput: try Money(exactly: "0.000002"))
        let usage = TokenUsage(inputTokens: 1000, outputTokens: 10, cachedInputTokens: 400)
        #expect(prices.cost(of: usage).description == "0.0134")
        #expect(prices.cost(of: TokenUsage(inputTokens: -5, outputTokens: -5)) == .zero)
    }

    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000000+00:00"), (951_782_400_000_000, "2000-02-29T00:00:00.000000+00:00"),
        (1_700_000_000_123_456, "2023-11-14T22:13:20.123456+00:00"), (-1, "1969-12-31T23:59:59.999999+00:00"),
        (4_102_444_800_000_000, "2100-01-01T00:00:00.000000+00:00"),
    ])
    func `calendar times print as ISO 8601`(_ microseconds: Int64, _ text: String) {
        #expect(CalendarTime(microsecondsSince1970: microseconds).iso8601 == text)
    }
}
