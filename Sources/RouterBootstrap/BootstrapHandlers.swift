// SPDX-License-Identifier: MIT

package import FetchProtocol
package import Transfer

/// What this engine does for the command.
package enum BootstrapHandlers {
    /// - Parameter environment: the helper's own, for the installers of Python packages.
    package static func all(settings: TransferSettings, environment: [String: String]) -> [FetchHandler] {
        [
            FetchHandler(InstallBinaryRequest.self) { request, channel in
                try BinaryBootstrap(request, settings: settings, channel: channel).run()
            },
            FetchHandler(InstallLiteLLMRequest.self) { request, channel in
                try LiteLLMBootstrap(request, environment: environment, channel: channel).run()
            },
            FetchHandler(ListArtifactsRequest.self) { request, _ in
                try Stock(runtimeDirectory: request.runtimeDirectory).list()
            },
            FetchHandler(VerifyArtifactsRequest.self) { request, _ in
                try Stock(runtimeDirectory: request.runtimeDirectory).verify()
            },
            FetchHandler(RollbackRequest.self) { request, channel in
                try Stock(runtimeDirectory: request.runtimeDirectory).rollBack(request.artifact, channel: channel)
            },
            FetchHandler(CompressRequest.self) { request, _ in try FileCompressor.run(request) },
        ]
    }
}
