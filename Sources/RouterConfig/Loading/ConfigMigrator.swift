// SPDX-License-Identifier: MIT

internal import YAMLSyntax

/// One step from a version of the format to the next. A step that was released is never changed.
protocol ConfigMigration: SendableMetatype {
    /// The version that the step leads to.
    static var target: Int { get }
    /// Rewrites `root` in memory and notes what it renamed; the file stays as it is.
    static func apply(to root: inout YAMLNode, _ decoder: inout ConfigDecoder)
}

/// Brings a file to the current version.
enum ConfigMigrator {
    static let currentVersion = 2
    static let supportedVersions = 1...currentVersion
    private static let steps: [any ConfigMigration.Type] = [V1ToV2.self]

    /// The version that the file says it has; nil, and a diagnostic, when it is none that is supported.
    ///
    /// Older names are common in files that say 2, so every step looks at every file.
    static func migrate(_ root: inout YAMLNode, _ decoder: inout ConfigDecoder) -> Int? {
        let written = root["config_version"]
        let version = written.map { $0.integerValue ?? 0 } ?? currentVersion
        guard supportedVersions.contains(version) else {
            let found = written?.scalar.map { "`\($0.text)`" } ?? written?.kindInWords ?? ""
            decoder.report(.unsupportedVersion(found: found), at: written?.span)
            return nil
        }
        for step in steps { step.apply(to: &root, &decoder) }
        return version
    }
}
