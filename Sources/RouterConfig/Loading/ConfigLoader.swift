// SPDX-License-Identifier: MIT

package import Diagnostics
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
        var root: YAMLNode
        do {
            root = try YAMLParser.parse(bytes, name: name)
        } catch {
            throw DiagnosticList([error])
        }
        let directory = PathName.parent(of: path)
        var decoder = ConfigDecoder(directory: directory, home: home)
        guard root.entries != nil else {
            decoder.report(.notMapping(found: root.kindInWords), at: root.span)
            throw decoder.problems
        }
        let version = ConfigMigrator.migrate(&root, &decoder)
        guard let version else { throw decoder.problems }
        var configuration = Configuration()
        Configuration.definition.decode(root, into: &configuration, &decoder)
        configuration.version = version
        configuration.file = path
        configuration.directory = directory
        ConfigValidator.validate(configuration, root, &decoder)
        let problems = DiagnosticList(decoder.problems.sorted)
        if problems.hasErrors { throw problems }
        return Loaded(configuration: configuration, remarks: problems)
    }

    private static func unreadable(_ error: SystemError, name: String) -> Diagnostic {
        error.isNotFound ? ConfigProblem.noFile(path: name).diagnostic(at: nil) : error.diagnostic
    }
}
