// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import LLMRouting

/// `/v1/models` and its members.
enum ModelsAnswer {
    static func list(_ snapshot: Snapshot, key: ClientKey?) -> Answer {
        let names = snapshot.models.filter { allows(key, $0) }
        return .json(["object": "list", "data": .array(names.map(entry))])
    }

    static func one(_ name: String, _ snapshot: Snapshot, key: ClientKey?) throws(GatewayError) -> Answer {
        guard snapshot.table.serves(name), allows(key, name) else { throw .modelNotFound(model: name) }
        return .json(entry(name))
    }

    private static func allows(_ key: ClientKey?, _ name: String) -> Bool {
        guard let key, !key.models.isEmpty else { return true }
        return key.models.contains(name)
    }

    private static func entry(_ name: String) -> JSONValue {
        ["id": .string(name), "object": "model", "created": 1_677_610_602, "owned_by": "llm-router"]
    }
}

/// The health routes. None of them calls a deployment, since that may cost money.
enum HealthAnswer {
    static func readiness(isDraining: Bool) -> Answer {
        .json(["status": isDraining ? "draining" : "healthy", "db": "Not connected"], status: isDraining ? 503 : 200)
    }

    static func health(_ statuses: [DeploymentStatus]) -> Answer {
        let healthy = statuses.filter(\.isAvailable)
        let unhealthy = statuses.filter { !$0.isAvailable }
        return .json([
            "healthy_endpoints": .array(healthy.map { ["model_id": .string($0.deployment.id)] }),
            "unhealthy_endpoints": .array(unhealthy.map { ["model_id": .string($0.deployment.id)] }),
            "healthy_count": .integer(healthy.count), "unhealthy_count": .integer(unhealthy.count),
        ])
    }
}

extension DeploymentStatus {
    /// Calls go there.
    var isAvailable: Bool { !isDown && circuit != .open }
}
