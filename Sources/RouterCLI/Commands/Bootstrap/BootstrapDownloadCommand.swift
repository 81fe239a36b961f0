// SPDX-License-Identifier: MIT

package import ArgumentParser
internal import Diagnostics
internal import FetchProtocol
internal import JSONSyntax

/// `llm-router bootstrap download`
package struct BootstrapDownloadCommand: RouterCommand {
    package static let changesStack = true
    package static let endsOnInterruption = true
    package static let configuration = CommandConfiguration(
        commandName: "download", abstract: "Fetch, verify and install what the services run.")

    @OptionGroup package var global: GlobalOptions
    @Option(help: ArgumentHelp("Release of CLIProxyAPI, or latest.", valueName: "version"))
    package var cliproxyVersion: String?
    @Option(help: ArgumentHelp("Repository of that release.", valueName: "owner/name"))
    package var cliproxyRepo: String?
    @Option(help: ArgumentHelp("Install CLIProxyAPI from a local archive.", valueName: "file"))
    package var archive: String?
    @Option(help: ArgumentHelp("Install only cliproxyapi_plus or litellm.", valueName: "name"))
    package var only: String?
    @Flag(help: "Install again what is already there.") package var force = false
    @Flag(help: "Install even when nobody published a checksum.") package var allowUnverified = false

    package init() {}

    package func validate() throws {
        let names = [InstallBinaryRequest.defaultArtifact, InstallLiteLLMRequest.artifact]
        if let only, !names.contains(only) {
            throw ValidationError("--only takes \(names.joined(separator: " or ")), not '\(only)'")
        }
        if archive != nil, cliproxyVersion != nil || cliproxyRepo != nil {
            throw ValidationError("--archive takes the place of --cliproxy-version and --cliproxy-repo")
        }
    }

    package func run(in context: AppContext) throws -> ExitStatus {
        let stack = try Stack.load(context)
        let bootstrap = Bootstrap(stack)
        var choices = Bootstrap.Choices()
        choices.cliproxyVersion = cliproxyVersion
        choices.cliproxyRepository = cliproxyRepo
        choices.archive = archive
        choices.repetition = force ? .reinstall : .keep
        choices.verification = allowUnverified ? .optional : .required
        let wanted =
            only.map { [$0] } ?? (archive != nil ? [InstallBinaryRequest.defaultArtifact] : bootstrap.neededArtifacts)
        if wanted.isEmpty { context.console.note("nothing to download: no service runs a program that is downloaded") }
        let installed = try bootstrap.install(wanted, choices)
        context.console.show(
            Report(
                lines: installed.map { "\($0.name)=\($0.path)" },
                json: ["artifacts": .array(installed.map(\.json))]))
        return .success
    }
}
