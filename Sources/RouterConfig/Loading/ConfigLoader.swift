// SPDX-License-Identifier: MIT

package import Diagnostics
internal import LiteLLMConfig
internal import SystemIO
internal import YAMLSyntax

/// Turns a config file into a `Configuration`, or into everything that is wrong with it.
package enum ConfigLoader {
    /// A config that can be used, with what the operator should know nevertheless.
    package struct Loaded: Sendable {
        package let configuration: Configuration
        /// Warnings and notes in order of position; never errors.
        package let remarks: DiagnosticList
    }

    /// Reads the file at `path`.
    ///
    /// - Parameters:
    ///   - path: absolute.
    ///   - name: how the operator wrote the path; diagnostics show it.
    ///   - home: what `~` stands for.
    /// - Throws: all problems of the file at once, at least one of them an error.
    package static func load(path: String, name: String, home: String?) throws(DiagnosticList) -> Loaded {
        let bytes: [UInt8]
        do {
            bytes = try FileSystem.read(path, limit: YAMLLimits().sizeBytes)
        } catch {
            throw DiagnosticList([unreadable(error, name: name)])
        }
        return try parse(bytes, name: name, path: path, home: home)
    }

    /// Reads the text of a config file that lies, or would lie, at `path`.
    package static func parse(_ bytes: [UInt8], name: String, path: String, home: String?) throws(DiagnosticList)
        -> Loaded
    {
        let root: YAMLNode
        do {
            root = try YAMLParser.parse(bytes, name: name)
        } catch {
            throw DiagnosticList([error])
        }
        var (configuration, problems) = decode(root, path: path, home: home)
        if !problems.diagnostics.isEmpty {
            // Diagnostics show lines of the file, and a line may hold a key. Nothing is shown most of the time, so the
            // keys are blotted out only now, and the same problems are found once more.
            (configuration, problems) = decode(SecretScalars.blottingLines(of: root), path: path, home: home)
        }
        guard let configuration, !problems.hasErrors else { throw problems }
        return Loaded(configuration: configuration, remarks: problems)
    }

    /// What `root` says, as far as it can be read, and all that is wrong with it, in order of position.
    private static func decode(_ root: YAMLNode, path: String, home: String?) -> (Configuration?, DiagnosticList) {
        var root = root
        var decoder = ConfigDecoder(directory: PathName.parent(of: path), home: home)
        guard root.entries != nil else {
            decoder.report(.notMapping(found: root.kindInWords), at: root.span)
            return (nil, decoder.problems)
        }
        guard let version = ConfigMigrator.migrate(&root, &decoder) else { return (nil, decoder.problems) }
        var configuration = Configuration()
        Configuration.definition.decode(root, into: &configuration, &decoder)
        configuration.version = version
        configuration.file = path
        configuration.directory = decoder.directory
        ConfigValidator.validate(configuration, root, &decoder)
        return (configuration, DiagnosticList(decoder.problems.sorted))
    }

    private static func unreadable(_ error: SystemError, name: String) -> Diagnostic {
        error.isNotFound ? ConfigProblem.noFile(path: name).diagnostic(at: nil) : error.diagnostic
    }
}
