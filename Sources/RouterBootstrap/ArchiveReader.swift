// SPDX-License-Identifier: MIT

internal import CArchive

/// Where an archive's bytes come from: the next ones, valid until the next call, empty at the end.
typealias ByteSource = () throws(BootstrapError) -> UnsafeRawBufferPointer

/// A tar or zip archive, plain or compressed, read once from front to back.
final class ArchiveReader {
    enum Kind {
        case file, directory, symbolicLink, hardLink, special
    }

    struct Member {
        /// nil when the name cannot be read.
        let path: String?
        let kind: Kind
        let sizeBytes: Int?
    }

    private let archive: OpaquePointer
    private let feed: Feed
    private let name: String

    /// - Parameter name: what to call the archive in errors.
    init(name: String, source: @escaping ByteSource) throws(BootstrapError) {
        guard let archive = archive_read_new() else {
            throw .archive(name: name, .unreadable("out of memory"))
        }
        self.archive = archive
        self.name = name
        feed = Feed(source)
        archive_read_support_filter_gzip(archive)
        archive_read_support_filter_xz(archive)
        archive_read_support_filter_zstd(archive)
        archive_read_support_format_tar(archive)
        archive_read_support_format_zip_streamable(archive)
        let context = Unmanaged.passUnretained(feed).toOpaque()
        guard archive_read_open(archive, context, nil, readMore, nil) == ARCHIVE_OK else { throw problem() }
    }

    deinit {
        archive_read_free(archive)
    }

    /// The header of the next member; nil at the end of the archive.
    func next() throws(BootstrapError) -> Member? {
        var entry: OpaquePointer?
        let result = archive_read_next_header(archive, &entry)
        if result == ARCHIVE_EOF { return nil }
        // A warning is a name that could not be converted, or an extended attribute that we do not want anyway.
        guard result == ARCHIVE_OK || result == ARCHIVE_WARN, let entry else { throw problem() }
        let path = archive_entry_pathname_utf8(entry) ?? archive_entry_pathname(entry)
        return Member(
            path: path.map { String(cString: $0) }, kind: Self.kind(of: entry),
            sizeBytes: archive_entry_size_is_set(entry) != 0 ? Int(archive_entry_size(entry)) : nil)
    }

    /// The next bytes of the current member with their place in it, valid until the next call; nil at its end.
    func data() throws(BootstrapError) -> (bytes: UnsafeRawBufferPointer, offset: Int)? {
        var start: UnsafeRawPointer?
        var count = 0
        var offset: Int64 = 0
        let result = archive_read_data_block(archive, &start, &count, &offset)
        if result == ARCHIVE_EOF { return nil }
        guard result == ARCHIVE_OK || result == ARCHIVE_WARN else { throw problem() }
        return (UnsafeRawBufferPointer(start: start, count: count), Int(offset))
    }

    private static func kind(of entry: OpaquePointer) -> Kind {
        if archive_entry_hardlink(entry) != nil { return .hardLink }
        return switch UInt32(archive_entry_filetype(entry)) & 0o170000 {
        case 0o100000: .file
        case 0o040000: .directory
        case 0o120000: .symbolicLink
        default: .special
        }
    }

    /// The source's own error where it has one, else libarchive's words.
    private func problem() -> BootstrapError {
        if let failure = feed.failure { return failure }
        let words = archive_error_string(archive).map { String(cString: $0) } ?? "unknown format"
        return .archive(name: name, .unreadable(words))
    }
}

/// Carries the source through a C pointer, and its error back.
private final class Feed {
    let source: ByteSource
    var failure: BootstrapError?

    init(_ source: @escaping ByteSource) {
        self.source = source
    }
}

private func readMore(
    _ archive: OpaquePointer?, _ context: UnsafeMutableRawPointer?,
    _ buffer: UnsafeMutablePointer<UnsafeRawPointer?>?
) -> Int {
    guard let context else { return -1 }
    let feed = Unmanaged<Feed>.fromOpaque(context).takeUnretainedValue()
    do throws(BootstrapError) {
        let bytes = try feed.source()
        buffer?.pointee = bytes.baseAddress
        return bytes.count
    } catch {
        feed.failure = error
        return -1
    }
}
