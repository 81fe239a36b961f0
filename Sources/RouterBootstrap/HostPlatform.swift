// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The machine that a release must have been built for, in the words of release file names.
package struct HostPlatform: Equatable, Sendable {
    package let system: String
    /// All spellings of the processor, the usual one first.
    package let architectures: [String]

    package init(system: String, architectures: [String]) {
        self.system = system
        self.architectures = architectures
    }

    package static let linuxIntel = HostPlatform(system: "linux", architectures: ["amd64", "x86_64"])
    package static let linuxARM = HostPlatform(system: "linux", architectures: ["arm64", "aarch64"])
    package static let darwinARM = HostPlatform(system: "darwin", architectures: ["arm64", "aarch64"])
    package static let darwinIntel = HostPlatform(system: "darwin", architectures: ["amd64", "x86_64"])

    /// The machine that this program was built for, which is the one it runs on.
    package static let current: HostPlatform = {
        #if os(Linux)
            #if arch(arm64)
                linuxARM
            #else
                linuxIntel
            #endif
        #else
            #if arch(arm64)
                darwinARM
            #else
                darwinIntel
            #endif
        #endif
    }()
}

/// What the first bytes of a file say about it.
package enum ProgramFormat: Equatable, Sendable {
    case elf(machine: UInt16)
    case machO
    case script
    case none

    /// Enough bytes for `init`.
    static let headBytes = 20

    package init(head: [UInt8]) {
        let magic = Array(head.prefix(4))
        if magic == [0x7F, 0x45, 0x4C, 0x46], head.count >= 20 {
            // e_machine is at 18, in the byte order that byte 5 names.
            let isLittle = head[5] == 1
            self = .elf(machine: UInt16(head[isLittle ? 19 : 18]) << 8 | UInt16(head[isLittle ? 18 : 19]))
        } else if [[0xCF, 0xFA, 0xED, 0xFE], [0xCA, 0xFE, 0xBA, 0xBE]].contains(magic) {
            self = .machO
        } else if head.starts(with: [0x23, 0x21]) {
            self = .script
        } else {
            self = .none
        }
    }

    /// Whether a program of this kind can run on `platform`.
    package func runs(on platform: HostPlatform) -> Bool {
        switch self {
        case .elf(let machine):
            platform.system == "linux" && machine == (platform == .linuxARM ? 183 : 62)
        case .machO: platform.system == "darwin"
        case .script: true
        case .none: false
        }
    }
}
