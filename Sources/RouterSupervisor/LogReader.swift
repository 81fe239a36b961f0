// SPDX-License-Identifier: MIT

package import SystemIO

/// Reads the logs of services.
package enum LogReader {
    /// However long the lines are: no more than this is read for their sake.
    private static let tailLimit = 16 << 20
    private static let chunkBytes = 64 << 10

    /// The last `lines` lines of the log at `path`, oldest first; old files are read as well, unless they are packed.
    package static func tail(_ path: String, lines: Int) -> [String] {
        guard lines > 0 else { return [] }
        var collected: [UInt8] = []
        let folder = LogFolder(path: path)
        let files = [path] + folder.archives().reversed().filter { !$0.isPacked }.map(folder.path(of:))
        for file in files {
            collected = lastBytes(of: file, lines: lines, before: collected)
            if collected.count >= tailLimit || lineCount(collected) > lines { break }
        }
        var parts = collected.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if parts.last?.isEmpty == true { parts.removeLast() }
        return parts.suffix(lines).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func lineCount(_ bytes: [UInt8]) -> Int {
        bytes.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
    }

    /// `rest` with as much of the end of `file` before it as its lines take.
    private static func lastBytes(of file: String, lines: Int, before rest: [UInt8]) -> [UInt8] {
        guard let descriptor = try? OwnedDescriptor.open(file, [.readOnly, .nonBlocking]),
            let size = try? descriptor.status().sizeBytes
        else { return rest }
        let dataStart = descriptor.firstData()
        var bytes = rest
        var found = lineCount(rest)
        var start = size
        while start > dataStart, bytes.count < tailLimit, found <= lines {
            let length = min(chunkBytes, start - dataStart)
            start -= length
            guard let more = try? descriptor.read(upTo: length, at: start) else { break }
            found += lineCount(more)
            bytes = more + bytes
        }
        return bytes
    }
}

/// Follows several logs at once and hands out whole lines as they come; rotation loses none and repeats none.
package final class LogFollower {
    package struct Source: Sendable {
        package let name: String
        package let path: String

        package init(name: String, path: String) {
            self.name = name
            self.path = path
        }
    }

    /// Where one log has been read to, in everything ever written to it.
    private final class Cursor {
        let source: Source
        var position = 0
        var end = 0
        var pending: [UInt8] = []
        var isStarted = false
        var inconsistentSince: MonotonicTime?

        init(_ source: Source) {
            self.source = source
        }
    }

    /// A line longer than this is handed out in pieces.
    private static let lineLimit = 1 << 20
    private static let chunkBytes = 256 << 10
    /// A rotation takes no longer than this; after it a shorter log has been cut by somebody else.
    private static let settleLimit = Duration.milliseconds(500)

    private let cursors: [Cursor]
    private let watch: FileWatch
    private let loop: DescriptorLoop
    private let tail: Int
    private var retry: TimerQueue.ID?

    package init(_ sources: [Source], tail: Int) throws(SystemError) {
        cursors = sources.map(Cursor.init)
        self.tail = tail
        watch = try FileWatch()
        loop = try DescriptorLoop()
    }

    /// Calls `line` for each line, the last ones of each log first, until it returns false.
    package func run(_ line: @escaping (_ name: String, _ text: String) -> Bool) throws(SystemError) {
        // Watched before it is read: what comes in between wakes us.
        for folder in Set(cursors.map { PathName.parent(of: $0.source.path) }) {
            _ = try watch.add(folder, [.modified, .created, .removed])
        }
        var goesOn = true
        for cursor in cursors {
            let start = snapshot(of: cursor)
            for text in LogReader.tail(cursor.source.path, lines: tail) where goesOn {
                goesOn = line(cursor.source.name, text)
            }
            cursor.position = start?.end ?? 0
            cursor.end = cursor.position
        }
        let token = try loop.add(watch.rawValue, .readable) { [self] _ in
            _ = watch.next()
            goesOn = goesOn && read(line)
            if !goesOn { loop.stop() }
        }
        if goesOn { goesOn = read(line) }
        if goesOn { loop.run() }
        loop.remove(token)
    }

    private func read(_ line: @escaping (String, String) -> Bool) -> Bool {
        for cursor in cursors {
            guard read(cursor, line) else { return false }
        }
        return true
    }

    /// Base, size and end of a log at one moment.
    private struct Snapshot: Equatable {
        var base: Int
        var size: Int
        var end: Int { base + size }
    }

    private func snapshot(of cursor: Cursor) -> Snapshot? {
        let folder = LogFolder(path: cursor.source.path)
        for _ in 0..<20 {
            let before = LogArchive.base(folder.archives())
            guard let size = (try? FileSystem.status(cursor.source.path))??.sizeBytes else { return nil }
            if LogArchive.base(folder.archives()) == before { return Snapshot(base: before, size: size) }
        }
        return nil
    }

    private func read(_ cursor: Cursor, _ line: @escaping (String, String) -> Bool) -> Bool {
        while let now = snapshot(of: cursor) {
            if now.end < cursor.end {
                // Cut, and the copy has not got its name yet: the end of everything never goes back.
                let since = cursor.inconsistentSince ?? MonotonicTime.now()
                cursor.inconsistentSince = since
                guard MonotonicTime.now() - since > Self.settleLimit else {
                    retrySoon(line)
                    return true
                }
                cursor.position = now.base
            }
            cursor.inconsistentSince = nil
            cursor.end = now.end
            guard cursor.position < now.end else { return true }
            guard let bytes = bytes(of: cursor, now), snapshot(of: cursor).map({ $0.base == now.base }) ?? false else {
                continue
            }
            cursor.position += bytes.count
            guard !bytes.isEmpty, handOut(bytes, cursor, line) else { return bytes.isEmpty }
        }
        return true
    }

    private func retrySoon(_ line: @escaping (String, String) -> Bool) {
        guard retry == nil else { return }
        retry = loop.after(.milliseconds(2)) { [weak self] in
            guard let self else { return }
            retry = nil
            if !read(line) { loop.stop() }
        }
    }

    /// The next bytes, from an old file when they have moved there.
    private func bytes(of cursor: Cursor, _ now: Snapshot) -> [UInt8]? {
        if cursor.position >= now.base {
            let offset = cursor.position - now.base
            guard let descriptor = try? OwnedDescriptor.open(cursor.source.path, [.readOnly]) else { return nil }
            // What was given back as a hole is gone.
            let dataStart = min(descriptor.firstData(from: offset), now.size)
            if dataStart > offset { cursor.position += dataStart - offset }
            return try? descriptor.read(upTo: min(Self.chunkBytes, now.size - dataStart), at: dataStart)
        }
        let folder = LogFolder(path: cursor.source.path)
        let archives = folder.archives().filter { !$0.isHole && !$0.isPacked && $0.end > cursor.position }
        guard let archive = archives.first,
            let descriptor = try? OwnedDescriptor.open(folder.path(of: archive), [.readOnly]),
            let size = try? descriptor.status().sizeBytes
        else {
            // Packed or dropped already: go on with what there is.
            cursor.position = now.base
            return nil
        }
        let start = archive.end - size
        cursor.position = max(cursor.position, start)
        return try? descriptor.read(upTo: Self.chunkBytes, at: cursor.position - start)
    }

    private func handOut(_ bytes: [UInt8], _ cursor: Cursor, _ line: (String, String) -> Bool) -> Bool {
        cursor.pending += bytes
        var start = 0
        while let end = cursor.pending[start...].firstIndex(of: UInt8(ascii: "\n")) {
            let text = String(decoding: cursor.pending[start..<end], as: UTF8.self)
            start = end + 1
            guard line(cursor.source.name, text) else { return false }
        }
        cursor.pending.removeFirst(start)
        guard cursor.pending.count > Self.lineLimit else { return true }
        let text = String(decoding: cursor.pending, as: UTF8.self)
        cursor.pending.removeAll()
        return line(cursor.source.name, text)
    }
}
