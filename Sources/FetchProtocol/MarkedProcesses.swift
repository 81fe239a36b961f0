// SPDX-License-Identifier: MIT

internal import SystemIO

/// Processes that descend from one program, found by a variable that each inherits: neither a session of its own nor
/// the end of its parent takes that away. Those that clear their environment are not found.
enum MarkedProcesses {
    private static let name = "LLM_ROUTER_LOGIN_PROGRAM"
    private static let environmentLimitBytes = 4 << 20
    /// Whoever forks while it is looked for is found by the next look.
    private static let looks = 5

    /// A `NAME=value` that no other program has.
    static func newMark() -> String {
        "\(name)=\(String(UInt64.random(in: 0...UInt64.max), radix: 16))"
    }

    static func end(_ mark: String) {
        for _ in 0..<looks {
            let found = all(with: Array(mark.utf8))
            if found.isEmpty { return }
            for pid in found { ProcessControl.send(SignalNumber.kill, to: pid) }
        }
    }

    private static func all(with mark: [UInt8]) -> [Int32] {
        let names = (try? FileSystem.list("/proc")) ?? []
        return names.compactMap { Int32($0) }.filter { pid in
            // Of processes of other users, and of those that have ended, there is nothing to read.
            let path = "/proc/\(pid)/environ"
            guard pid != ProcessControl.currentPID,
                let bytes = try? FileSystem.readStream(path, limit: environmentLimitBytes)
            else { return false }
            return bytes.split(separator: 0).contains { $0.elementsEqual(mark) }
        }
    }
}
