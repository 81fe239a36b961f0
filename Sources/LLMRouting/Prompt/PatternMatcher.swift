// SPDX-License-Identifier: MIT

/// Words of a matcher, one bit each in the order of its list.
typealias WordSet = SIMD4<UInt64>

extension WordSet {
    static let empty = WordSet(repeating: 0)

    /// The words from `range.lowerBound` up to `range.upperBound`.
    static func places(_ range: Range<Int>) -> WordSet {
        var set = WordSet.empty
        for place in range { set[place / 64] |= 1 << UInt64(place % 64) }
        return set
    }

    func count(in mask: WordSet) -> Int {
        let common = self & mask
        return (0..<4).reduce(0) { $0 + common[$1].nonzeroBitCount }
    }
}

/// Finds up to 256 words in one pass over a text: an Aho-Corasick automaton over folded UTF-8 bytes.
///
/// Searching 35 words one by one costs 35 passes; the automaton costs one table look-up a byte.
struct PatternMatcher: Sendable {
    static let start: UInt16 = 0

    /// Symbol of each byte; bytes that occur in no word share symbol 0.
    let symbols: [UInt8]
    let symbolCount: Int
    /// `state * symbolCount + symbol` to the next state.
    let transitions: [UInt16]
    /// Place in `hits` for each state; 0 where no word ends.
    let accepts: [UInt16]
    let hits: [WordSet]
    /// The symbol between words, when the matcher looks for whole words: runs of it count as one.
    let separatorSymbol: UInt8?

    /// Words match anywhere, also inside other words.
    init(substrings words: [String]) {
        self.init(patterns: words.map { Array($0.utf8) }, separators: false)
    }

    /// Words match between separators only. A space in a word stands for separators; a `*` leaves that end open.
    init(words: [String]) {
        let patterns = words.map { word -> [UInt8] in
            let before: [UInt8] = word.hasPrefix("*") ? [] : [Self.separator]
            let after: [UInt8] = word.hasSuffix("*") ? [] : [Self.separator]
            return before + word.utf8.filter { $0 != UInt8(ascii: "*") } + after
        }
        self.init(patterns: patterns, separators: true)
    }

    static let separator = UInt8(ascii: " ")

    private init(patterns: [[UInt8]], separators: Bool) {
        precondition(patterns.count <= 256, "a matcher holds at most 256 words")
        var symbols = [UInt8](repeating: 0, count: 256)
        var symbolCount = 1
        for byte in patterns.joined() where symbols[Int(byte)] == 0 {
            symbols[Int(byte)] = UInt8(symbolCount)
            symbolCount += 1
        }
        if separators {
            for byte in UInt8.min...UInt8.max where !Self.isWordByte(byte) {
                symbols[Int(byte)] = symbols[Int(Self.separator)]
            }
        }
        // Texts are matched in lower case.
        for byte in UInt8(ascii: "a")...UInt8(ascii: "z") { symbols[Int(byte & ~0x20)] = symbols[Int(byte)] }
        var trie = Trie(symbolCount: symbolCount)
        for (index, pattern) in patterns.enumerated() {
            trie.insert(pattern.map { Int(symbols[Int($0)]) }, .places(index..<(index + 1)))
        }
        trie.complete()
        self.symbols = symbols
        self.symbolCount = symbolCount
        transitions = trie.next.map { UInt16($0) }
        var sets: [WordSet] = [.empty]
        accepts = trie.hits.map { set in
            if set == .empty { return 0 }
            sets.append(set)
            return UInt16(sets.count - 1)
        }
        hits = sets
        separatorSymbol = separators ? symbols[Int(Self.separator)] : nil
    }

    /// Letters, digits, the underscore, and every byte of characters beyond ASCII.
    static func isWordByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), 0x80...0xff:
            true
        default: false
        }
    }
}

/// The automaton while it is built: a tree of words, then with the transitions for mismatches filled in.
private struct Trie {
    let symbolCount: Int
    var next: [Int]
    var hits: [WordSet] = [.empty]

    init(symbolCount: Int) {
        self.symbolCount = symbolCount
        next = Array(repeating: -1, count: symbolCount)
    }

    mutating func insert(_ word: [Int], _ set: WordSet) {
        var state = 0
        for symbol in word {
            let place = state * symbolCount + symbol
            if next[place] < 0 {
                next[place] = hits.count
                hits.append(.empty)
                next.append(contentsOf: repeatElement(-1, count: symbolCount))
            }
            state = next[place]
        }
        hits[state] |= set
    }

    /// Breadth first, so that the state to fall back to is complete before it is read.
    mutating func complete() {
        var fallback = Array(repeating: 0, count: hits.count)
        var queue: [Int] = []
        for symbol in 0..<symbolCount {
            if next[symbol] < 0 { next[symbol] = 0 } else { queue.append(next[symbol]) }
        }
        var head = 0
        while head < queue.count {
            let state = queue[head]
            head += 1
            hits[state] |= hits[fallback[state]]
            for symbol in 0..<symbolCount {
                let place = state * symbolCount + symbol
                let other = next[fallback[state] * symbolCount + symbol]
                if next[place] < 0 {
                    next[place] = other
                } else {
                    fallback[next[place]] = other
                    queue.append(next[place])
                }
            }
        }
    }
}
