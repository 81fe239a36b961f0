// SPDX-License-Identifier: MIT

import SystemIO
import TestSupport
import Testing

@Suite struct PrivateDirectoryTests {
    private let scratch: ScratchFolder

    init() throws {
        scratch = try ScratchFolder()
    }

    private func mode(_ name: String) throws -> UInt32? {
        try FileSystem.status(scratch.path(name)).map { $0.mode & 0o777 }
    }

    @Test func `what is missing is made private, what others use keeps its mode`() throws {
        try PrivateDirectory.create(scratch.path("shared"))
        try FileSystem.setMode(scratch.path("shared"), 0o755)
        try PrivateDirectory.create(scratch.path("shared"))
        try PrivateDirectory.create(scratch.path("shared/a/b"))
        #expect(try mode("shared") == 0o755)
        #expect(try mode("shared/a") == 0o700)
        #expect(try mode("shared/a/b") == 0o700)
    }

    @Test func `a folder of our own is closed wherever it lies`() throws {
        for name in [".router", "runtime"] {
            try PrivateDirectory.create(scratch.path(name))
            try FileSystem.setMode(scratch.path(name), 0o755)
        }
        try PrivateDirectory.create(scratch.path(".router"))
        try PrivateDirectory.claim(scratch.path("runtime"))
        #expect(try mode(".router") == 0o700)
        #expect(try mode("runtime") == 0o700)
    }
}
