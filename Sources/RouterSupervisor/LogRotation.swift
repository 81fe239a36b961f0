// SPDX-License-Identifier: MIT

package import RouterServices

/// Decides what happens to a log of which only the size and its growth are known.
package struct LogRotation: Equatable, Sendable {
    package enum Decision: Equatable, Sendable {
        case leave
        /// Move everything up to this offset, a multiple of the block size, into an old file and cut it off.
        case archive(upTo: Int)
        /// More comes than could be copied without cost: give the blocks up to this offset back.
        case punch(upTo: Int)
        /// The same once there are more holes than a file can count: start again at nothing.
        case empty
    }

    /// Faster than filling a log file in this time is a flood: what would be copied aside is soon dropped anyway.
    package static let floodFill = Duration.milliseconds(500)
    /// What a log is assumed to grow by at most, when deciding how long one may look away.
    package static let assumedBytesPerSecond = 256 << 20
    package static let shortestPause = Duration.milliseconds(5)
    package static let longestPause = Duration.milliseconds(100)
    /// Far below the largest file of any file system (ext4: 16 TiB), holes included.
    package static let holeLimit = 64 << 30

    private let maximum: Int
    private let keptFiles: Int
    private let blockBytes: Int

    package init(policy: LogPolicy, blockBytes: Int) {
        self.blockBytes = max(1, blockBytes)
        maximum = max(self.blockBytes, policy.maximumBytes)
        keptFiles = max(0, policy.keptFiles)
    }

    /// What the log and its old files may take together.
    package var room: Int { maximum * (keptFiles + 1) }

    /// How much a flooding log may hold: with what comes in until the next look, and some old files, it is the room.
    private var floodBytes: Int { max(maximum, room / 2) }

    package func isFlood(bytesPerSecond: Double) -> Bool {
        bytesPerSecond * Self.floodFill.seconds > Double(maximum)
    }

    /// `dataStart` is where the first block is that was not given back.
    package func decide(size: Int, dataStart: Int, bytesPerSecond: Double) -> Decision {
        let held = size - dataStart
        guard held > maximum else { return .leave }
        guard isFlood(bytesPerSecond: bytesPerSecond) || keptFiles == 0 else {
            return .archive(upTo: dataStart + aligned(maximum))
        }
        guard held > floodBytes else { return .leave }
        return dataStart > Self.holeLimit ? .empty : .punch(upTo: aligned(size - floodBytes / 2))
    }

    /// Whether a log that is being copied grows too fast for that.
    package func isOvertaken(held: Int) -> Bool { held > maximum + floodBytes / 2 }

    /// What old files may take while the log holds so much and floods.
    package func archiveBytes(besides held: Int) -> Int { max(0, room - held - floodBytes / 2) }

    /// How long one may look away before the log can have outgrown its limit by much.
    package func pause(size: Int, dataStart: Int, bytesPerSecond: Double) -> Duration {
        let left = max(0, floodBytes - (size - dataStart))
        let rate = max(bytesPerSecond * 2, Double(Self.assumedBytesPerSecond))
        return min(max(.seconds(Double(left) / rate), Self.shortestPause), Self.longestPause)
    }

    /// Old files that are too many, or too large together; `files` are oldest first. `incoming` is what is about to
    /// become one more, and still in the log as well.
    package func obsolete(_ files: [LogArchive], sizes: [Int], incoming: Int = 0) -> [LogArchive] {
        let kept = incoming > 0 ? keptFiles - 1 : keptFiles
        return Self.oldest(files, sizes: sizes, over: keptFiles * maximum - incoming, count: kept)
    }

    /// The oldest ones that do not fit.
    package static func oldest(
        _ files: [LogArchive], sizes: [Int], over bytes: Int, count limit: Int = .max
    ) -> [LogArchive] {
        var total = 0
        var count = 0
        var result: [LogArchive] = []
        for (file, size) in zip(files, sizes).reversed() {
            total += size
            count += 1
            if count > limit || total > bytes { result.append(file) }
        }
        return result
    }

    private func aligned(_ offset: Int) -> Int { offset / blockBytes * blockBytes }
}

/// An old part of a log: `NAME.log.END`, where END is the position in everything ever written at which it ends.
///
/// `NAME.log.ENDp` is one whose bytes still count in the offsets of the current file, because they were given back as a
/// hole and not cut off. A packed one has a suffix behind that.
package struct LogArchive: Hashable, Comparable, Sendable {
    package let end: Int
    package let isHole: Bool
    /// Empty, or such as `.gz`.
    package let suffix: String

    package init(end: Int, isHole: Bool, suffix: String = "") {
        self.end = end
        self.isHole = isHole
        self.suffix = suffix
    }

    /// Reads the part of a file name behind `NAME.log.`.
    package init?(suffixOfName text: Substring) {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard !digits.isEmpty, let end = Int(digits) else { return nil }
        var rest = text.dropFirst(digits.count)
        isHole = rest.first == "p"
        if isHole { rest = rest.dropFirst() }
        guard rest.isEmpty || rest.first == ".", rest != ".partial" else { return nil }
        self.end = end
        suffix = String(rest)
    }

    package var name: String { "\(end)\(isHole ? "p" : "")\(suffix)" }
    package var isPacked: Bool { !suffix.isEmpty }

    package static func < (left: LogArchive, right: LogArchive) -> Bool {
        (left.end, left.suffix) < (right.end, right.suffix)
    }

    /// The old parts among the names of a folder, oldest first.
    package static func all(of log: String, among names: [String]) -> [LogArchive] {
        names.filter { $0.hasPrefix(log + ".") }
            .compactMap { LogArchive(suffixOfName: $0.dropFirst(log.count + 1)) }.sorted()
    }

    /// Where the current file begins in everything ever written.
    package static func base(_ archives: [LogArchive]) -> Int {
        archives.filter { !$0.isHole }.map(\.end).max() ?? 0
    }
}
