// SPDX-License-Identifier: MIT

import LLMRouting
import Testing

struct TraceRetentionTests {
    @Test(arguments: [0, 1, 5, 300])
    func `the newest are kept, each other is given up once`(_ keep: Int) {
        var retention = TraceRetention(keep: keep, existing: (0..<7).map { "old\($0)" })
        var removed: [String] = []
        for file in 0..<1000 { removed += retention.add("new\(file)") }
        let all = (0..<7).map { "old\($0)" } + (0..<1000).map { "new\($0)" }
        #expect(removed == Array(all.prefix(all.count - keep)))
        #expect(retention.count == keep)
    }

    @Test func `a file that is written twice counts once`() {
        var retention = TraceRetention(keep: 2)
        let removed = ["a", "a", "b", "b"].map { retention.add($0) }
        #expect(removed.allSatisfy { $0.isEmpty } && retention.count == 2)
        #expect(retention.add("c") == ["a"])
        retention.keep = 1
        #expect(retention.add("d") == ["b", "c"])
    }
}
