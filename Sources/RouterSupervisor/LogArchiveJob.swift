// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import SystemIO

/// Moves the front of a log into an old file, a little at a time so that the loop is never held up, then cuts it off.
///
/// Killed at any point it loses nothing: what is not cut off yet is still in the log, and the copy gets its final name
/// only after the cut. A copy that was complete when the cut happened is named by the next supervisor.
final class LogArchiveJob {
    enum Result {
        case done(LogArchive)
        /// The log grew too fast for a copy, which was given up.
        case overtaken
        case failed(String)
    }

    /// Copied between two turns of the loop: about a third of a millisecond.
    private static let stepBytes = 1 << 20
    private static let collapseRestBytes = 256 << 10

    private let descriptor: OwnedDescriptor
    private let folder: LogFolder
    private let rotation: LogRotation
    private let range: Range<Int>
    private let loop: DescriptorLoop
    private let finished: (Result) -> Void
    private let base: Int
    private var target: OwnedDescriptor?
    private var offset: Int

    init(
        _ descriptor: consuming OwnedDescriptor, path: String, rotation: LogRotation, range: Range<Int>,
        loop: DescriptorLoop, finished: @escaping (Result) -> Void
    ) {
        self.descriptor = descriptor
        folder = LogFolder(path: path)
        self.rotation = rotation
        self.range = range
        self.loop = loop
        self.finished = finished
        base = LogArchive.base(folder.archives())
        offset = range.lowerBound
    }

    func start() {
        // What would be too much afterwards goes first: so there is never more than the log may take.
        removeObsolete(incoming: range.count)
        step()
    }

    private func step() {
        do {
            if rotation.isOvertaken(held: try descriptor.status().sizeBytes - range.lowerBound) {
                dropPartial()
                return finished(.overtaken)
            }
            guard try copyMore() else { return cut() }
            loop.after(.zero) { self.step() }
        } catch {
            // Without room for a copy the bound still holds: the oldest lines go.
            dropPartial()
            let words = "\(error.diagnostic.message); the oldest lines are dropped"
            removeFront()
            finished(.failed(words))
        }
    }

    /// False when everything is copied.
    private func copyMore() throws(SystemError) -> Bool {
        guard offset < range.upperBound else { return false }
        if target == nil {
            target = try OwnedDescriptor.open(
                partialPath, [.writeOnly, .create, .truncate, .noFollow], mode: 0o600)
        }
        let count = try descriptor.copy(
            from: offset, count: min(Self.stepBytes, range.upperBound - offset), to: target?.rawValue ?? -1)
        guard count > 0 else { throw SystemError("copy", path: folder.path, code: 5) }
        offset += count
        return true
    }

    private func cut() {
        target = nil
        let technique = removeFront()
        let archive = LogArchive(end: base + range.upperBound, isHole: technique == .hole)
        do {
            try FileSystem.rename(partialPath, to: folder.path(of: archive))
        } catch {
            return finished(.failed(error.diagnostic.message))
        }
        removeObsolete()
        finished(technique == .none ? .failed("the file system cannot cut files") : .done(archive))
    }

    private enum Technique {
        case cut, hole, none
    }

    /// Collapsing keeps the file small; a hole only gives the space back; truncating loses what comes in between.
    @discardableResult
    private func removeFront() -> Technique {
        CrashPoint.reach()
        do {
            // A collapse first writes what comes behind it to the disk and holds writers up for that long, so it is only
            // for a short rest; while much comes in, a hole does, until there are too many.
            let rest = try descriptor.status().sizeBytes - range.upperBound
            let isCheap = rest <= Self.collapseRestBytes || range.upperBound > LogRotation.holeLimit
            if isCheap, try descriptor.collapse(0..<range.upperBound) { return .cut }
            if try descriptor.punch(0..<range.upperBound) { return .hole }
            try descriptor.truncate(to: 0)
            return .cut
        } catch {
            return .none
        }
    }

    private func removeObsolete(incoming: Int = 0) {
        let archives = folder.archives()
        let sizes = archives.map(folder.size(of:))
        for archive in rotation.obsolete(archives, sizes: sizes, incoming: incoming) { folder.remove(archive) }
    }

    private var partialPath: String { folder.path + ".\(base + range.upperBound).partial" }

    private func dropPartial() {
        target = nil
        try? FileSystem.remove(partialPath)
    }
}

/// Packs old logs, one at a time, by a program that knows how.
final class LogPacker {
    /// What does not last so long, because more comes behind it, is not worth the work.
    private static let delay = Duration.seconds(3)
    /// More than this are left unpacked: they are being replaced faster than they can be packed.
    private static let queueLimit = 16

    private let loop: DescriptorLoop
    private let children: ChildWatcher
    private let compressor: ProcessSpec?
    private let suffix: String
    private var queue: [(folder: LogFolder, archive: LogArchive)] = []
    private var isBusy = false

    init(loop: DescriptorLoop, children: ChildWatcher, compressor: ProcessSpec?, suffix: String) {
        self.loop = loop
        self.children = children
        self.compressor = compressor
        self.suffix = suffix
    }

    func pack(_ folder: LogFolder, _ archive: LogArchive) {
        guard compressor != nil else { return }
        loop.after(Self.delay) { [weak self] in
            guard let self, queue.count < Self.queueLimit, FileSystem.exists(folder.path(of: archive)) else { return }
            queue.append((folder, archive))
            next()
        }
    }

    private func next() {
        guard !isBusy, let compressor, !queue.isEmpty else { return }
        let (folder, archive) = queue.removeFirst()
        let source = folder.path(of: archive)
        let packed = LogArchive(end: archive.end, isHole: archive.isHole, suffix: suffix)
        let partial = folder.partialPath(of: packed)
        do {
            let input = try OwnedDescriptor.open(source, [.readOnly])
            let output = try OwnedDescriptor.open(partial, [.writeOnly, .create, .truncate, .noFollow], mode: 0o600)
            let null = try OwnedDescriptor.open("/dev/null", [.writeOnly])
            let started = try ChildProcess.spawn(
                compressor, input: input.rawValue, output: output.rawValue, error: null.rawValue)
            let pid = started.pid
            let handle = started.takeHandle()
            isBusy = true
            children.watch(pid: pid, descriptor: handle?.rawValue) { [weak self] in
                guard let self, ProcessControl.hasEnded(child: pid) else { return }
                children.unwatch(pid: pid)
                withExtendedLifetime(handle) {}
                let status = (try? ChildProcess.reap(pid: pid)) ?? .unknown
                isBusy = false
                replace(source, by: partial, as: folder.path(of: packed), status)
                next()
            }
        } catch {
            // It stays as it is: larger, but whole.
            try? FileSystem.remove(partial)
            next()
        }
    }

    private func replace(_ source: String, by partial: String, as final: String, _ status: ExitStatus) {
        // It may have been dropped for its age meanwhile.
        guard status.isSuccess, FileSystem.exists(source), (try? FileSystem.rename(partial, to: final)) != nil else {
            try? FileSystem.remove(partial)
            return
        }
        try? FileSystem.remove(source)
    }
}
