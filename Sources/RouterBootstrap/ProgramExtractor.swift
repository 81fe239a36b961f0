// SPDX-License-Identifier: MIT

internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Takes one program out of an archive and refuses the whole archive when any member could do harm.
struct ProgramExtractor {
    /// A release has a handful of members.
    static let entryLimit = 10_000
    /// Everything unpacked; the largest known release unpacks to 80 MiB.
    static let sizeLimitBytes = 2 << 30
    /// Programs shrink to a third; a thousand times is what zeros do.
    static let ratioLimit = 100
    /// Below this size the ratio says nothing.
    static let ratioFloorBytes = 64 << 20

    /// What the archive is called, for errors.
    let archiveName: String
    /// File names of the program, best first.
    let wanted: [String]
    let platform: HostPlatform
    /// How many bytes of the archive have been read so far.
    let compressedBytes: () -> Int

    private var entries = 0
    private var unpackedBytes = 0
    private var found: (member: String, rank: Int)?
    private var head: [UInt8] = []
    private var names: [String] = []
    private var sha256 = ""

    init(archiveName: String, wanted: [String], platform: HostPlatform, compressedBytes: @escaping () -> Int) {
        self.archiveName = archiveName
        self.wanted = wanted
        self.platform = platform
        self.compressedBytes = compressedBytes
    }

    /// Reads the archive to its end and writes the program into `output`; returns the program's sha256.
    mutating func extract(
        from source: @escaping ByteSource, to output: borrowing OwnedDescriptor, path: String
    ) throws(BootstrapError) -> String {
        let reader = try ArchiveReader(name: archiveName, source: source)
        while let member = try reader.next() {
            entries += 1
            guard entries <= Self.entryLimit else { throw problem(.tooManyEntries(limit: Self.entryLimit)) }
            let memberPath = try checked(member)
            if names.count < 12 { names.append(memberPath) }
            if let size = member.sizeBytes, size > Self.sizeLimitBytes {
                throw problem(.tooLarge(limitBytes: Self.sizeLimitBytes))
            }
            if member.kind == .file, let rank = rank(of: memberPath) {
                if let found, found.rank == rank { throw problem(.twoPrograms(memberPath)) }
                if found.map({ rank < $0.rank }) ?? true {
                    found = (memberPath, rank)
                    try write(reader, to: output, path: path)
                    continue
                }
            }
            while let block = try reader.data() { try count(block.bytes.count) }
        }
        guard let found else { throw problem(.noProgram(wanted: wanted, found: names)) }
        try checkProgram(found.member)
        return sha256
    }

    private func checked(_ member: ArchiveReader.Member) throws(BootstrapError) -> String {
        guard let path = member.path, !path.isEmpty else { throw problem(.unnamedMember) }
        if path.hasPrefix("/") { throw problem(.absolutePath(path)) }
        // Backslashes separate folders for those who unpack on Windows; no release needs them.
        if path.split(whereSeparator: { $0 == "/" || $0 == "\\" }).contains("..") { throw problem(.parentPath(path)) }
        switch member.kind {
        case .file, .directory: return path
        case .symbolicLink: throw problem(.symbolicLink(path))
        case .hardLink: throw problem(.hardLink(path))
        case .special: throw problem(.specialFile(path))
        }
    }

    /// The place of the member in the list of names; nil for others. One wrapping folder is accepted.
    private func rank(of path: String) -> Int? {
        let parts = path.split(separator: "/").filter { $0 != "." }
        guard let last = parts.last, parts.count <= 2 else { return nil }
        return wanted.firstIndex(of: String(last))
    }

    /// Writes one member over whatever `output` holds.
    private mutating func write(
        _ reader: ArchiveReader, to output: borrowing OwnedDescriptor, path: String
    ) throws(BootstrapError) {
        let descriptor = output.rawValue
        guard ftruncate(descriptor, 0) == 0, lseek(descriptor, 0, SEEK_SET) == 0 else {
            throw .system(.current("empty", path: path))
        }
        var writer = try storing { () throws(SystemError) in try ProgramWriter(descriptor: descriptor, path: path) }
        while let block = try reader.data() {
            try count(block.bytes.count)
            // Programs have no holes; an archive that says so is not worth the code.
            guard block.offset == writer.writtenBytes else { throw problem(.unreadable("the program has holes")) }
            do throws(SystemError) { try writer.append(block.bytes) } catch { throw .system(error) }
        }
        head = writer.head
        sha256 = try storing { () throws(SystemError) in try writer.finish() }
    }

    private mutating func count(_ bytes: Int) throws(BootstrapError) {
        unpackedBytes += bytes
        guard unpackedBytes <= Self.sizeLimitBytes else { throw problem(.tooLarge(limitBytes: Self.sizeLimitBytes)) }
        if unpackedBytes > Self.ratioFloorBytes, unpackedBytes / max(1, compressedBytes()) > Self.ratioLimit {
            throw problem(.bomb(ratio: Self.ratioLimit))
        }
    }

    private func checkProgram(_ member: String) throws(BootstrapError) {
        guard !head.isEmpty else { throw problem(.empty(member)) }
        let format = ProgramFormat(head: head)
        guard format != .none else { throw problem(.notAProgram(member)) }
        guard format.runs(on: platform) else { throw problem(.otherMachine(member)) }
    }

    private func problem(_ problem: ArchiveProblem) -> BootstrapError {
        .archive(name: archiveName, problem)
    }
}
