// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterServices
internal import SystemIO

/// Opens the logs that services write to directly, and keeps them within their size.
///
/// Nobody stands between a service and its file, so nothing of ours can block or break it. The kernel says when a log is
/// written to; while nothing is written nothing happens here.
final class LogKeeper {
    /// One log and what is known of it.
    private final class Kept {
        var policy: LogPolicy
        var watch: Int32?
        var timer: TimerQueue.ID?
        var size = 0
        var seen = MonotonicTime.now()
        var job: LogArchiveJob?
        var hasLooked = false

        init(policy: LogPolicy) {
            self.policy = policy
        }
    }

    /// Until a rotation that failed is tried again.
    private static let failurePause = Duration.seconds(1)

    private let loop: DescriptorLoop
    private let packer: LogPacker
    private var kept: [String: Kept] = [:]
    private var services: [Int32: String] = [:]
    private var watch: FileWatch?
    /// Told what does not work; nil when it does again.
    var trouble: (String?) -> Void = { _ in }

    init(loop: DescriptorLoop, children: ChildWatcher, compressor: ProcessSpec?, compressedSuffix: String) {
        self.loop = loop
        packer = LogPacker(loop: loop, children: children, compressor: compressor, suffix: compressedSuffix)
        watch = try? FileWatch()
        if let watch { _ = try? loop.add(watch.rawValue, .readable) { [weak self] _ in self?.filesChanged() } }
    }

    /// A descriptor for the output of a service: appending, so that nobody's position matters.
    func open(_ policy: LogPolicy, of service: String) throws(SystemError) -> OwnedDescriptor {
        let descriptor: OwnedDescriptor
        do {
            descriptor = try openOrCreate(policy.path)
        } catch {
            if error.isOutOfResources { throw error }
            // A log that cannot be written must not keep a service from running.
            trouble("the output of `\(service)` goes nowhere: \(error.diagnostic.message)")
            return try OwnedDescriptor.open("/dev/null", [.writeOnly])
        }
        loop.atEndOfTurn { [weak self] in self?.arm(service) }
        return descriptor
    }

    private func openOrCreate(_ path: String) throws(SystemError) -> OwnedDescriptor {
        do {
            return try OwnedDescriptor.open(path, [.writeOnly, .append, .create], mode: 0o600)
        } catch {
            guard error.isNotFound else { throw error }
            try PrivateDirectory.create(PathName.parent(of: path))
            return try OwnedDescriptor.open(path, [.writeOnly, .append, .create], mode: 0o600)
        }
    }

    func keep(_ policy: LogPolicy, of service: String) {
        if let log = kept[service], log.policy.path == policy.path {
            log.policy = policy
        } else {
            drop(service)
            kept[service] = Kept(policy: policy)
            LogFolder(path: policy.path).finishInterruptedRotation()
            // It may have grown while nobody looked, and its service may be gone.
            loop.atEndOfTurn { [weak self] in self?.arm(service) }
        }
    }

    func drop(_ service: String) {
        guard let log = kept.removeValue(forKey: service) else { return }
        disarm(log)
        if let timer = log.timer { loop.cancel(timer) }
    }

    // MARK: - Watching

    /// Waits for the next write, and looks whether there was one since the last look.
    func arm(_ service: String) {
        guard let log = kept[service], log.timer == nil, log.job == nil else { return }
        guard log.watch == nil else { return }
        do {
            guard let watch else { return look(service, again: .seconds(1)) }
            let number = try watch.add(log.policy.path, [.modified, .once])
            log.watch = number
            services[number] = service
        } catch {
            if error.isNotFound { return }
            trouble("cannot see when `\(log.policy.path)` grows: \(error.diagnostic.message)")
            return look(service, again: .seconds(1))
        }
        let size = (try? FileSystem.status(log.policy.path))??.sizeBytes ?? 0
        if size != log.size || !log.hasLooked {
            disarm(log)
            check(service)
        }
    }

    private func disarm(_ log: Kept) {
        guard let number = log.watch else { return }
        log.watch = nil
        services[number] = nil
        watch?.remove(number)
    }

    private func filesChanged() {
        for event in watch?.next() ?? [] {
            if event.change.contains(.overflow) {
                for name in kept.keys { check(name) }
            } else if let service = services.removeValue(forKey: event.watch) {
                // The watch was for one write; it has gone by itself.
                kept[service]?.watch = nil
                check(service)
            }
        }
    }

    /// Where the kernel cannot tell, looking now and then must do.
    private func look(_ service: String, again pause: Duration) {
        guard let log = kept[service], log.timer == nil else { return }
        log.timer = loop.after(pause) { [weak self] in
            self?.kept[service]?.timer = nil
            self?.check(service)
        }
    }

    private func check(_ service: String) {
        guard let log = kept[service], log.job == nil else { return }
        log.hasLooked = true
        guard let descriptor = try? OwnedDescriptor.open(log.policy.path, [.readWrite]),
            let size = try? descriptor.status().sizeBytes
        else { return }
        let now = MonotonicTime.now()
        let rate = Double(max(0, size - log.size)) / max(0.001, (now - log.seen).seconds)
        let dataStart = size > log.policy.maximumBytes ? descriptor.firstData() : 0
        let rotation = LogRotation(policy: log.policy, blockBytes: descriptor.blockBytes)
        log.size = size
        log.seen = now
        var start = dataStart
        switch rotation.decide(size: size, dataStart: dataStart, bytesPerSecond: rate) {
        case .leave: break
        case .punch(let end): start = cut(log, descriptor, from: dataStart, upTo: end)
        case .empty: start = cut(log, descriptor, from: dataStart, upTo: size)
        case .archive(let end): return archive(service, log, descriptor, rotation, from: dataStart, upTo: end)
        }
        let rest = rotation.pause(size: size, dataStart: start, bytesPerSecond: rate)
        guard size - start > log.policy.maximumBytes || rotation.isFlood(bytesPerSecond: rate) else {
            return pause(service, rest)
        }
        // In a flood it may grow beyond its size for a while, and the end of the flood is no event.
        makeRoom(beside: log, rotation.archiveBytes(besides: size - start))
        look(service, again: rest)
    }

    private func pause(_ service: String, _ pause: Duration) {
        guard let log = kept[service], log.timer == nil else { return }
        log.timer = loop.after(pause) { [weak self] in
            self?.kept[service]?.timer = nil
            self?.arm(service)
        }
    }

    // MARK: - Cutting

    /// Gives the front back without a copy; where the data begins now.
    private func cut(_ log: Kept, _ descriptor: borrowing OwnedDescriptor, from start: Int, upTo end: Int) -> Int {
        do {
            let isWhole = end == log.size
            if !isWhole, try descriptor.punch(start..<end) { return end }
            try descriptor.truncate(to: 0)
            let folder = LogFolder(path: log.policy.path)
            // Their names count from an offset that is gone.
            for archive in folder.archives() where archive.isHole { folder.remove(archive) }
            return log.size
        } catch {
            trouble("cannot bound `\(log.policy.path)`: \(error.diagnostic.message)")
            return start
        }
    }

    /// Drops the oldest files beside a flooding log, whose newer lines take their place.
    private func makeRoom(beside log: Kept, _ bytes: Int) {
        let folder = LogFolder(path: log.policy.path)
        let archives = folder.archives()
        guard !archives.isEmpty else { return }
        for archive in LogRotation.oldest(archives, sizes: archives.map(folder.size(of:)), over: bytes) {
            folder.remove(archive)
        }
    }

    private func archive(
        _ service: String, _ log: Kept, _ descriptor: consuming OwnedDescriptor, _ rotation: LogRotation,
        from start: Int, upTo end: Int
    ) {
        let job = LogArchiveJob(
            descriptor, path: log.policy.path, rotation: rotation, range: start..<end, loop: loop
        ) { [weak self] result in
            guard let self, let log = kept[service] else { return }
            log.job = nil
            log.size = (try? FileSystem.status(log.policy.path))??.sizeBytes ?? 0
            log.seen = MonotonicTime.now()
            var rest = LogRotation.shortestPause
            switch result {
            case .done(let archive):
                trouble(nil)
                packer.pack(LogFolder(path: log.policy.path), archive)
            case .overtaken: break
            case .failed(let words):
                trouble("cannot rotate `\(log.policy.path)`: \(words)")
                rest = Self.failurePause
            }
            // There may be more to move than one file's worth.
            look(service, again: rest)
        }
        log.job = job
        job.start()
    }
}

/// A log and the old files beside it.
struct LogFolder {
    let path: String

    var folder: String { PathName.parent(of: path) }

    func path(of archive: LogArchive) -> String { path + "." + archive.name }
    func partialPath(of archive: LogArchive) -> String { path(of: archive) + ".partial" }

    func archives() -> [LogArchive] {
        LogArchive.all(of: PathName.last(of: path), among: (try? FileSystem.list(folder)) ?? [])
    }

    /// Names copies that were complete when the log was cut, and drops those whose bytes are still in the log.
    func finishInterruptedRotation() {
        let name = PathName.last(of: path)
        let names = ((try? FileSystem.list(folder)) ?? []).filter {
            $0.hasPrefix(name + ".") && $0.hasSuffix(".partial")
        }
        let ends = names.compactMap { Int($0.dropFirst(name.count + 1).dropLast(".partial".count)) }.sorted()
        var start = LogArchive.base(archives())
        let base = start
        for end in ends {
            let archive = LogArchive(end: end, isHole: false)
            let partial = partialPath(of: archive)
            let size = (try? FileSystem.status(partial))??.sizeBytes ?? -1
            if size == end - start, !isStillInLog(partial, at: start - base, size) {
                try? FileSystem.rename(partial, to: path(of: archive))
                start = end
            } else {
                try? FileSystem.remove(partial)
            }
        }
    }

    private func isStillInLog(_ partial: String, at offset: Int, _ size: Int) -> Bool {
        guard let copy = try? OwnedDescriptor.open(partial, [.readOnly]),
            let log = try? OwnedDescriptor.open(path, [.readOnly])
        else { return true }
        var position = 0
        while position < size {
            let length = min(1 << 20, size - position)
            guard let left = try? copy.read(upTo: length, at: position),
                let right = try? log.read(upTo: length, at: offset + position), left == right, !left.isEmpty
            else { return false }
            position += left.count
        }
        return true
    }

    func remove(_ archive: LogArchive) {
        try? FileSystem.remove(path(of: archive))
    }

    func size(of archive: LogArchive) -> Int {
        (try? FileSystem.status(path(of: archive)))??.allocatedBytes ?? 0
    }
}
