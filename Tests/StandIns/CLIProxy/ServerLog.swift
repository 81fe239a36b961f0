// SPDX-License-Identifier: MIT

internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Standard output, unbuffered as the real server's is.
enum ServerLog {
    /// A plain line, as the server's own prints.
    static func print(_ line: String) {
        try? OwnedDescriptor.writeAll(Array((line + "\n").utf8), to: 1)
    }

    static func info(_ message: String, from source: String = "run.go:50") { write("info ", message, source) }
    static func warning(_ message: String, from source: String = "server.go:70") { write("warn ", message, source) }
    static func error(_ message: String, from source: String = "main.go:300") { write("error", message, source) }

    private static func write(_ level: String, _ message: String, _ source: String) {
        var seconds = time(nil)
        var parts = tm()
        localtime_r(&seconds, &parts)
        var buffer = [CChar](repeating: 0, count: 32)
        let count = strftime(&buffer, buffer.count, "%Y-%m-%d %H:%M:%S", &parts)
        let moment = String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        print("[\(moment)] [--------] [\(level)] [\(source)] \(message)")
    }
}
