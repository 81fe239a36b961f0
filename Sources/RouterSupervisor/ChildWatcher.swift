// SPDX-License-Identifier: MIT

internal import SystemIO

/// Knows which processes are waited for, and by whom; reaps those that nobody waits for.
final class ChildWatcher {
    private struct Watched {
        var token: DescriptorLoop.Token?
        var ended: () -> Void
    }

    private let loop: DescriptorLoop
    private var watched: [Int32: Watched] = [:]

    init(loop: DescriptorLoop) {
        self.loop = loop
    }

    /// Calls `ended` once `pid` has ended; without a descriptor the signal for ended children must do.
    func watch(pid: Int32, descriptor: Int32?, ended: @escaping () -> Void) {
        var token: DescriptorLoop.Token?
        if let descriptor {
            token = try? loop.add(descriptor, .readable) { [weak self] _ in self?.hasEnded(pid) }
        }
        watched[pid] = Watched(token: token, ended: ended)
    }

    /// Call it before the descriptor is closed.
    func unwatch(pid: Int32) {
        guard let found = watched.removeValue(forKey: pid) else { return }
        if let token = found.token { loop.remove(token) }
    }

    func isWatched(_ pid: Int32) -> Bool { watched[pid] != nil }

    private func hasEnded(_ pid: Int32) {
        watched[pid]?.ended()
    }

    /// Deals with every child that has ended: tells who waits for it, reaps the others. Returns how many were reaped here.
    func reapOrphans() -> Int {
        var reaped = 0
        var told: Set<Int32> = []
        while let pid = ProcessControl.endedChild() {
            if watched[pid] != nil {
                // Whoever waits for it reaps it; were it not to, this must not become an endless loop.
                guard told.insert(pid).inserted else { break }
                hasEnded(pid)
            } else {
                guard (try? ChildProcess.reap(pid: pid)) != nil else { break }
                reaped += 1
            }
        }
        return reaped
    }
}
