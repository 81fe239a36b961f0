// SPDX-License-Identifier: MIT

internal import GatewayConfig
internal import LLMRouting

/// Everything a request is answered by, as one immutable value: a reload makes a new one, and what runs keeps its own.
final class Snapshot: Sendable {
    let table: RoutingTable
    /// At the positions of `table.deployments`.
    let targets: [Target]
    let keys: ClientKeys
    let limits: GatewayLimits
    let affinityHeader: String?
    /// Names that `/v1/models` lists.
    let models: [String]
    let logsRequests: Bool
    /// For whole answers of deployments that say nothing themselves.
    let answerTimeout: Duration
    let recorders: Recorders
    let generation: Int

    init(_ settings: GatewaySettings, table: RoutingTable, recorders: Recorders, generation: Int) {
        self.table = table
        self.recorders = recorders
        self.generation = generation
        targets = settings.targets.map(Target.init)
        keys = ClientKeys(settings.keys.map(ClientKey.init))
        limits = settings.limits
        affinityHeader = settings.affinityHeader
        let hidden = settings.hiddenModels
        models = table.modelNames.filter { !$0.isEmpty && !hidden.contains($0) }
        logsRequests = settings.logsRequests
        answerTimeout = settings.answerTimeout
    }
}
