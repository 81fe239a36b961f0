// SPDX-License-Identifier: MIT

internal import LLMRouting

/// The counters of one loop; a scrape adds up those of all loops.
struct LoopMetrics: Sendable {
    /// What a request is counted under: all of a fixed or configured set, never a client's text.
    struct RequestLabel: Hashable, Sendable {
        let surface: Surface
        let group: String
        let status: Int
    }

    /// A virtual model of the config and where its request went.
    struct DecisionLabel: Hashable, Sendable {
        let model: String
        let reason: VirtualDecision.Reason
    }

    struct DeploymentCounts: Sendable {
        var requests = 0
        var inputTokens = 0
        var outputTokens = 0
        var cost = Money.zero
        var firstToken = Histogram()
        var perToken = Histogram()
        var duration = Histogram()
    }

    var requests = Tally<RequestLabel, Int>(0)
    var deployments = Tally<String, DeploymentCounts>(DeploymentCounts())
    var decisions = Tally<DecisionLabel, Int>(0)
    var failures: [FailureKind: Int] = [:]
    var refusals: [String: Int] = [:]
    var attempts = 0
    var refusedConnections = 0
    var clientsGone = 0
    var brokenStreams = 0
    var duration = Histogram()

    mutating func count(_ kind: FailureKind) {
        failures[kind, default: 0] += 1
    }

    mutating func merge(_ other: LoopMetrics) {
        for (label, count) in other.requests.entries { requests.update(label) { $0 += count } }
        for (label, count) in other.decisions.entries { decisions.update(label) { $0 += count } }
        failures.merge(other.failures, uniquingKeysWith: +)
        refusals.merge(other.refusals, uniquingKeysWith: +)
        for (deployment, counts) in other.deployments.entries {
            deployments.update(deployment) { sum in
                sum.requests += counts.requests
                sum.inputTokens += counts.inputTokens
                sum.outputTokens += counts.outputTokens
                sum.cost += counts.cost
                sum.firstToken.merge(counts.firstToken)
                sum.perToken.merge(counts.perToken)
                sum.duration.merge(counts.duration)
            }
        }
        attempts += other.attempts
        refusedConnections += other.refusedConnections
        clientsGone += other.clientsGone
        brokenStreams += other.brokenStreams
        duration.merge(other.duration)
    }
}

/// Values by label that are changed in place; the label of the change before is found without a look-up.
struct Tally<Label: Hashable & Sendable, Value: Sendable>: Sendable {
    private var labels: [Label] = []
    private var values: [Value] = []
    private var places: [Label: Int] = [:]
    private var last = 0
    private let first: Value

    /// `first` is what a new label begins with.
    init(_ first: Value) {
        self.first = first
    }

    var entries: [(label: Label, value: Value)] { Array(zip(labels, values)) }

    mutating func update(_ label: Label, _ change: (inout Value) -> Void) {
        if last >= labels.count || labels[last] != label { last = place(of: label) }
        change(&values[last])
    }

    private mutating func place(of label: Label) -> Int {
        if let place = places[label] { return place }
        places[label] = labels.count
        labels.append(label)
        values.append(first)
        return labels.count - 1
    }
}

/// Times in buckets of Prometheus' shape.
struct Histogram: Sendable {
    /// Upper bounds in microseconds.
    static let bounds: [Int64] = [
        1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000, 2_500_000, 5_000_000,
        10_000_000,
        30_000_000, 60_000_000, 300_000_000,
    ]

    private(set) var counts = [Int](repeating: 0, count: bounds.count + 1)
    private(set) var sumMicroseconds: Int64 = 0

    mutating func record(nanoseconds: Int64) {
        let microseconds = nanoseconds / 1000
        sumMicroseconds += microseconds
        var index = 0
        while index < Self.bounds.count, microseconds > Self.bounds[index] { index += 1 }
        counts[index] += 1
    }

    mutating func merge(_ other: Histogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        sumMicroseconds += other.sumMicroseconds
    }

    var total: Int { counts.reduce(0, +) }
}
