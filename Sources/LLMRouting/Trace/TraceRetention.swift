// SPDX-License-Identifier: MIT

/// Which trace files are too many: the oldest ones beyond a number.
///
/// Noting a file costs the same however many are kept.
public struct TraceRetention: Sendable {
    /// The most files that are kept.
    public var keep: Int
    private var files: [String]
    /// Files before this index are surplus already; they are removed in bulk.
    private var head = 0

    /// - Parameters:
    ///   - keep: the most files that are kept.
    ///   - existing: what is there already, the oldest first.
    public init(keep: Int, existing: [String] = []) {
        self.keep = max(0, keep)
        files = existing
    }

    /// How many are kept now.
    public var count: Int { files.count - head }

    /// Notes a file that was written, and returns those to remove. A file written again right away is noted once.
    public mutating func add(_ file: String) -> [String] {
        if files.last != file || count == 0 { files.append(file) }
        guard count > keep else { return [] }
        let surplus = Array(files[head..<(files.count - keep)])
        head += surplus.count
        if head > 64, head > files.count / 2 {
            files.removeFirst(head)
            head = 0
        }
        return surplus
    }
}
