// SPDX-License-Identifier: MIT

/// A file of `NAME=value` lines, 0600, that grows by generated secrets; what people wrote into it stays as it is.
package enum SecretsFile {
    private static let sizeLimit = 1 << 20

    /// Adds `NAME=value` unless the file gives `name` a value already; true when it was added.
    ///
    /// Any number of processes may do so at once: all end up with the same value. A crash leaves the old file or the
    /// new one.
    package static func addIfMissing(_ name: String, to path: String, value make: () -> String) throws(SystemError)
        -> Bool
    {
        try PrivateDirectory.create(PathName.parent(of: path))
        let lock = try FileLock.acquire(path + ".lock")
        defer { withExtendedLifetime(lock) {} }
        var bytes = FileSystem.exists(path) ? try FileSystem.read(path, limit: sizeLimit) : []
        guard !hasValue(for: name, in: bytes) else {
            try close(path)
            return false
        }
        if let last = bytes.last, last != UInt8(ascii: "\n") { bytes.append(UInt8(ascii: "\n")) }
        bytes += Array("\(name)=\(make())\n".utf8)
        try AtomicFile.write(bytes, to: path, mode: 0o600)
        return true
    }

    /// `count` bytes from the system's random source as lower-case hex.
    package static func randomHex(bytes count: Int) -> String {
        var generator = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdef".utf8)
        let text = (0..<count).flatMap { _ -> [UInt8] in
            let byte = UInt8.random(in: .min ... .max, using: &generator)
            return [digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// A later line wins, as for every reader of such files; an empty value counts as none.
    private static func hasValue(for name: String, in bytes: [UInt8]) -> Bool {
        var found = false
        for raw in bytes.split(separator: UInt8(ascii: "\n")) {
            var line = String(decoding: raw, as: UTF8.self)[...].drop { $0 == " " || $0 == "\t" }
            if line.hasPrefix("export ") { line = line.dropFirst(7).drop { $0 == " " } }
            guard line.hasPrefix(name + "=") else { continue }
            let value = line.dropFirst(name.count + 1).filter { !" \t\r\"'".contains($0) }
            found = !value.isEmpty && !value.hasPrefix("#")
        }
        return found
    }

    private static func close(_ path: String) throws(SystemError) {
        if let mode = try FileSystem.status(path)?.mode, mode & 0o077 != 0 { try FileSystem.setMode(path, 0o600) }
    }
}
