// SPDX-License-Identifier: MIT

/// The files that the releases consist of.
enum ReleaseArchives {
    /// A runnable "program" of a realistic shape that prints what the real one prints first.
    static func program(version: String) -> [UInt8] {
        var text =
            "#!/bin/sh\necho 'CLIProxyAPI Version: \(version)-plus, Commit: abc1234, BuiltAt: 2026-02-15T06:49:13Z'\n"
        text += "exit 0\n"
        var state = UInt64(version.utf8.reduce(7) { $0 &* 31 &+ Int($1) } & 0xFFFF)
        while text.utf8.count < 400_000 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            text += "# " + String(state, radix: 16) + "\n"
        }
        return Array(text.utf8)
    }

    static func archive(version: String, _ scenario: Scenario) -> [UInt8] {
        let program = program(version: version)
        var tar = TarArchive()
        tar.add("LICENSE", Array("MIT\n".utf8))
        tar.add("README.md", Array("# read me\n".utf8))
        switch scenario {
        case .zip: return Zip.stored("cli-proxy-api-plus", program)
        case .notAnArchive: return Array(repeating: UInt8(ascii: "x"), count: 5000)
        case .withoutProgram: break
        case .otherProgram: tar.add("cli-proxy-api", program)
        case .emptyProgram: tar.add("cli-proxy-api-plus")
        case .textProgram: tar.add("cli-proxy-api-plus", Array("just words\n".utf8))
        case .otherMachine: tar.add("cli-proxy-api-plus", foreignELF)
        case .traversal:
            tar.add("cli-proxy-api-plus", program)
            tar.add("../../escaped", Array("escaped\n".utf8))
        case .absolute:
            tar.add("/tmp/llm-router-escaped", Array("escaped\n".utf8))
            tar.add("cli-proxy-api-plus", program)
        case .symlink:
            tar.add("cli-proxy-api-plus", kind: .symbolicLink, link: "/bin/sh")
        case .hardlink:
            tar.add("cli-proxy-api-plus", program)
            tar.add("twin", kind: .hardLink, link: "/etc/passwd")
        case .device:
            tar.add("cli-proxy-api-plus", program)
            tar.add("null", kind: .device)
        case .bomb:
            tar.add("padding", claimedSize: 1 << 30)
            return Gzip.zeros(1 << 30, after: tar.bytes)
        case .hugeMember:
            tar.add("padding", claimedSize: 7 << 30)
            return Gzip.zeros(1 << 20, after: tar.bytes)
        default: tar.add("cli-proxy-api-plus", program)
        }
        tar.add("config.example.yaml", Array("port: 8317\n".utf8))
        let archive = Gzip.stored(tar.finished)
        return scenario == .trailingBytes ? archive + [UInt8](repeating: 0, count: 3000) : archive
    }

    /// A program for a processor that no test machine has (PowerPC).
    private static let foreignELF: [UInt8] = {
        var head: [UInt8] = [0x7F, 0x45, 0x4C, 0x46, 2, 2, 1, 0] + [UInt8](repeating: 0, count: 56)
        head[17] = 2
        head[19] = 21
        return head
    }()
}
