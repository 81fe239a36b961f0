// SPDX-License-Identifier: MIT

import FetchProtocol
import RouterBootstrap
import SystemIO
import TestSupport
import Testing

struct FileCompressorTests {
    private let scratch: ScratchFolder
    private let text = String(repeating: "a line of a log that says the same again and again\n", count: 20_000)

    init() throws {
        scratch = try ScratchFolder()
    }

    private func unpacked(_ path: String, _ format: CompressRequest.Format) throws -> String {
        // libarchive's own tool reads both, so that the test does not check the code with itself.
        try Program("/bin/sh", ["-c", format == .gzip ? "gzip -dc < '\(path)'" : "zstd -dc < '\(path)'"]).run().output
    }

    @Test func `a compressed file has the same content, and the original goes last`() throws {
        let path = try scratch.write("service.log.1", text)
        let answer = try FileCompressor.run(CompressRequest(path: path, format: .gzip, original: .remove))
        #expect(answer.path == path + ".gz")
        #expect(answer.sizeBytes < text.utf8.count / 20)
        #expect(try unpacked(answer.path, .gzip) == text)
        #expect(try FileSystem.list(scratch.path) == ["service.log.1.gz"])
        #expect(try FileSystem.status(answer.path)?.mode == 0o600)
    }

    @Test func `zstd begins with its magic and is smaller`() throws {
        let path = try scratch.write("log", text)
        let answer = try FileCompressor.run(CompressRequest(path: path, format: .zstd, original: .keep))
        #expect(try FileSystem.read(answer.path, limit: 1 << 20).prefix(4) == [0x28, 0xB5, 0x2F, 0xFD])
        #expect(FileSystem.exists(path))
    }

    @Test func `a file that is not there leaves nothing behind`() throws {
        #expect(throws: BootstrapError.self) {
            try FileCompressor.run(CompressRequest(path: scratch.path("none"), format: .gzip, original: .remove))
        }
        #expect(try FileSystem.list(scratch.path) == [])
    }

    @Test func `the filter compresses standard input`() throws {
        let output = scratch.path("out.gz")
        let helper = Program.built("llm-router-fetch").path
        let run = try Program("/bin/sh", ["-c", "'\(helper)' filter gzip > '\(output)'"], input: text).run()
        #expect(run.code == 0, "\(run)")
        #expect(try unpacked(output, .gzip) == text)
        #expect(try Program(helper, ["filter", "lzma"]).run().code == 2)
    }
}
