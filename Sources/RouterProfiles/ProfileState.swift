// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import SystemIO

/// Which profile was set last, as `state.json` says.
package enum ProfileState: Equatable, Sendable {
    case known(profile: String, updatedAt: String)
    /// No file, or one that says nothing; `profile set` writes a new one.
    case unknown

    private static let sizeLimit = 1 << 16

    /// Reads `path`; a file that cannot be read or understood is as good as none.
    package static func read(_ path: String) -> ProfileState {
        guard let bytes = try? FileSystem.read(path, limit: sizeLimit),
            let root = try? JSONParser.parse(bytes),
            let profile = root["current_profile"]?.stringValue, !profile.isEmpty
        else { return .unknown }
        return .known(profile: profile, updatedAt: root["updated_at"]?.stringValue ?? "unknown")
    }

    /// The file's bytes for a profile that was set `now`.
    static func bytes(profile: String, now: Timestamp) -> [UInt8] {
        let state: JSONValue = ["current_profile": .string(profile), "updated_at": .string(now.iso8601)]
        return JSONWriter.bytes(of: state, layout: .indented) + Array("\n".utf8)
    }
}
