// SPDX-License-Identifier: MIT

internal import CArchive
package import FetchProtocol
internal import SystemIO

/// Compresses one file beside itself: whole, synced and renamed, or not at all.
package enum FileCompressor {
    private static let chunkBytes = 256 << 10

    package static func run(_ request: CompressRequest) throws(BootstrapError) -> CompressAnswer {
        let target = request.path + request.format.suffix
        let temporary = AtomicFile.temporaryPath(for: target)
        do throws(BootstrapError) {
            let input = try storing { () throws(SystemError) in
                try OwnedDescriptor.open(request.path, [.readOnly, .noFollow])
            }
            let output = try storing { () throws(SystemError) in
                try OwnedDescriptor.open(temporary, [.writeOnly, .create, .exclusive, .noFollow], mode: 0o600)
            }
            CrashPoint.reach()
            try compress(input.rawValue, to: output.rawValue, request.format, name: request.path)
            try storing { () throws(SystemError) in
                try output.synchronize(path: temporary)
                CrashPoint.reach()
                try FileSystem.rename(temporary, to: target)
                CrashPoint.reach()
                try FileSystem.synchronizeDirectory(PathName.parent(of: target))
                if request.original == .remove { try FileSystem.remove(request.path) }
            }
        } catch {
            try? FileSystem.remove(temporary)
            throw error
        }
        let size = try storing { () throws(SystemError) in try FileSystem.status(target)?.sizeBytes ?? 0 }
        return CompressAnswer(path: target, sizeBytes: size)
    }

    /// Compresses everything that `input` has into `output`; both belong to the caller.
    package static func compress(
        _ input: Int32, to output: Int32, _ format: CompressRequest.Format, name: String
    ) throws(BootstrapError) {
        guard let archive = archive_write_new(), let entry = archive_entry_new() else {
            throw .compression(path: name, words: "out of memory")
        }
        defer {
            archive_entry_free(entry)
            archive_write_free(archive)
        }
        func check(_ result: Int) throws(BootstrapError) {
            guard result >= Int(ARCHIVE_OK) else {
                let words = archive_error_string(archive).map { String(cString: $0) } ?? "unknown error"
                throw .compression(path: name, words: words)
            }
        }
        switch format {
        case .zstd: try check(Int(archive_write_add_filter_zstd(archive)))
        case .gzip: try check(Int(archive_write_add_filter_gzip(archive)))
        }
        try check(Int(archive_write_set_format_raw(archive)))
        // The raw format has no padding to a tape's block either.
        try check(Int(archive_write_set_bytes_in_last_block(archive, 1)))
        try check(Int(archive_write_open_fd(archive, output)))
        archive_entry_set_filetype(entry, 0o100000)
        archive_entry_set_pathname(entry, "data")
        try check(Int(archive_write_header(archive, entry)))
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: chunkBytes, alignment: 16)
        defer { buffer.deallocate() }
        while true {
            let count = try storing { () throws(SystemError) in
                try OwnedDescriptor.read(from: input, into: buffer, path: name)
            }
            guard count > 0 else { break }
            var done = 0
            while done < count {
                let written = archive_write_data(archive, buffer.baseAddress.map { $0 + done }, count - done)
                try check(written)
                done += written
            }
        }
        try check(Int(archive_write_close(archive)))
    }
}
