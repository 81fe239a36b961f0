// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import JSONSyntax
internal import LLMRouting
internal import NIOPosix
internal import Synchronization
internal import SystemIO

/// Writes one file an attempt, off the request path. When the disk is slower than the requests, traces are dropped, never
/// requests.
final class TraceRecorder: Sendable {
    private static let queueLimit = 4096

    private struct Queue {
        var traces: [RequestTrace] = []
        var isWriting = false
        var dropped = 0
    }

    private let settings: TraceSettings
    private let threads: NIOThreadPool
    private let queue = Mutex(Queue())
    /// Made at the first trace, because looking for what an earlier process left takes a while.
    private let retention: Mutex<TraceRetention?> = Mutex(nil)

    init(_ settings: TraceSettings, threads: NIOThreadPool) {
        self.settings = settings
        self.threads = threads
    }

    /// Notes all attempts of a finished request.
    func record(_ exchange: Exchange) {
        let now = Now.current()
        let traces = exchange.run.attempts.map { Self.trace($0, exchange, now) }
        guard !traces.isEmpty else { return }
        let mustStart = queue.withLock { queue in
            guard queue.traces.count + traces.count <= Self.queueLimit else {
                queue.dropped += traces.count
                return false
            }
            queue.traces += traces
            defer { queue.isWriting = true }
            return !queue.isWriting
        }
        if mustStart { threads.submit { _ in self.writeWhatWaits() } }
    }

    private static func trace(_ record: AttemptRecord, _ exchange: Exchange, _ now: Now) -> RequestTrace {
        let age = now.instant - record.startedAt
        let started = CalendarTime(
            microsecondsSince1970: now.calendar.microsecondsSince1970 - age.wholeNanoseconds / 1000)
        let (failure, words) = Self.end(of: record)
        let usage = record.usage.map {
            CompletionResponse.Usage(
                promptTokens: $0.inputTokens, completionTokens: $0.outputTokens, totalTokens: $0.totalTokens)
        }
        return RequestTrace(
            requestID: exchange.requestID, role: exchange.facts.model, provider: record.attempt.deployment.id,
            model: record.attempt.upstreamModel, startedAt: started, attempt: record.attempt.id,
            elapsedMilliseconds: Double((record.elapsed ?? age).wholeNanoseconds) / 1_000_000,
            failureType: failure, error: words, usage: usage,
            gateway: RequestTrace.Gateway(
                route: record.attempt.group, score: exchange.run.plan.virtual?.score,
                status: exchange.attempts[record.attempt.id]?.head?.status,
                firstTokenMilliseconds: record.firstByteLatency.map { Double($0.wholeNanoseconds) / 1_000_000 },
                cost: record.cost))
    }

    /// A failure is told by its kind and status: an upstream's own words may hold what was asked.
    private static func end(of record: AttemptRecord) -> (FailureType?, String?) {
        switch record.outcome {
        case .succeeded: (nil, nil)
        case .failed(let failure): (failure.kind.type, failure.words)
        case .cancelled, .running: (.cancelled, "the call was taken back")
        }
    }

    private func writeWhatWaits() {
        while true {
            let traces = queue.withLock { queue in
                let taken = queue.traces
                queue.traces = []
                if taken.isEmpty { queue.isWriting = false }
                return taken
            }
            if traces.isEmpty { return }
            for trace in traces { write(trace) }
        }
    }

    private func write(_ trace: RequestTrace) {
        let path = settings.directory + "/" + trace.relativePath
        // A trace that cannot be written is no reason to fail anything.
        try? PrivateDirectory.create(PathName.parent(of: path))
        try? AtomicFile.write(Array(trace.json.utf8), to: path, mode: 0o600)
        prune(adding: path)
    }

    private func prune(adding path: String) {
        let surplus = retention.withLock { held in
            // What lies there includes the file that was just written.
            var retention =
                held
                ?? TraceRetention(
                    keep: settings.keep, existing: Self.existing(in: settings.directory).filter { $0 != path })
            let surplus = retention.add(path)
            held = retention
            return surplus
        }
        for file in surplus {
            try? FileSystem.remove(file)
            let day = PathName.parent(of: file)
            // A folder with files in it refuses to go.
            if day != PathName.parent(of: path) { try? FileSystem.removeEmptyFolder(day) }
        }
    }

    /// What an earlier process left, by day.
    private static func existing(in directory: String) -> [String] {
        let days = ((try? FileSystem.list(directory)) ?? []).sorted()
        return days.flatMap { day in
            ((try? FileSystem.list(directory + "/" + day)) ?? []).sorted().map { "\(directory)/\(day)/\($0)" }
        }
    }
}
