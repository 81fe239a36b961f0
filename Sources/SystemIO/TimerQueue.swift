// SPDX-License-Identifier: MIT

/// Deadlines in order: a binary heap in which cancelled entries are dropped when they come up, or when they outnumber the rest.
package struct TimerQueue: Sendable {
    package struct ID: Hashable, Sendable {
        fileprivate let number: UInt64
    }

    private struct Entry {
        let deadline: MonotonicTime
        let id: ID

        static func < (left: Entry, right: Entry) -> Bool {
            (left.deadline, left.id.number) < (right.deadline, right.id.number)
        }
    }

    private var heap: [Entry] = []
    private var live: Set<ID> = []
    private var lastNumber: UInt64 = 0

    package init() {}

    package var count: Int { live.count }

    /// The earliest deadline.
    package var next: MonotonicTime? { heap.first?.deadline }

    package mutating func insert(_ deadline: MonotonicTime) -> ID {
        lastNumber += 1
        let id = ID(number: lastNumber)
        live.insert(id)
        heap.append(Entry(deadline: deadline, id: id))
        siftUp(heap.count - 1)
        return id
    }

    package mutating func cancel(_ id: ID) {
        guard live.remove(id) != nil else { return }
        if heap.count > 2 * live.count + 16 { compact() }
        dropCancelled()
    }

    /// Takes out the earliest deadline that is not after `now`.
    package mutating func popDue(_ now: MonotonicTime) -> ID? {
        guard let first = heap.first, first.deadline <= now else { return nil }
        removeFirst()
        live.remove(first.id)
        dropCancelled()
        return first.id
    }

    private mutating func dropCancelled() {
        while let first = heap.first, !live.contains(first.id) { removeFirst() }
    }

    private mutating func compact() {
        let kept = heap.filter { live.contains($0.id) }
        // A sorted array is a heap.
        heap = kept.sorted(by: <)
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        siftDown(0)
    }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child] < heap[parent] else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func siftDown(_ start: Int) {
        var parent = start
        while true {
            var smallest = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[smallest] {
                smallest = child
            }
            if smallest == parent { return }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }
}
