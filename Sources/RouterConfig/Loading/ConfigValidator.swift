// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterServices
internal import SystemIO
internal import YAMLSyntax

/// Checks what no single entry can know: references, cycles, ports, probes.
enum ConfigValidator {
    /// Reports what is wrong between the entries of `configuration`, at the places that `root` knows.
    static func validate(_ configuration: Configuration, _ root: YAMLNode, _ decoder: inout ConfigDecoder) {
        let entries = root["services"]?.entries ?? []
        // A service that was left out because of an error in it is still a service that others may name.
        var names: [String] = []
        // By name, since looking each up in turn would take the square of their number.
        var nodes: [String: YAMLNode] = [:]
        for entry in entries {
            guard let name = entry.key.scalar?.text else { continue }
            names.append(name)
            if nodes[name] == nil { nodes[name] = entry.value }
        }
        for service in configuration.services where service.value.hasRelations {
            let node = nodes[service.name]
            checkDependencies(service, names: names, configuration, &decoder)
            checkProbes(service, node, &decoder)
            checkFront(service, node, configuration.services, &decoder)
            checkGatewayPort(service, node, configuration.gateway, &decoder)
        }
        checkPorts(configuration.services, nodes, &decoder)
        checkCycles(configuration.services, &decoder)
    }

    private static func checkDependencies(
        _ service: Named<ServiceSection>, names: [String], _ configuration: Configuration,
        _ decoder: inout ConfigDecoder
    ) {
        let key = "services.\(service.name).depends_on"
        for dependency in service.value.dependencies {
            guard names.contains(dependency.name) else {
                decoder.report(.unknownService(dependency.name, key: key, known: names), at: dependency.span)
                continue
            }
            guard dependency.value == .ready, let target = configuration.service(dependency.name) else { continue }
            if target.port == nil, target.readiness == nil {
                decoder.report(
                    .readyWithoutProbe(service: dependency.name, dependent: service.name), at: dependency.span)
            }
        }
    }

    private static func checkProbes(
        _ service: Named<ServiceSection>, _ node: YAMLNode?, _ decoder: inout ConfigDecoder
    ) {
        for (name, probe) in [("readiness", service.value.readiness), ("liveness", service.value.liveness)] {
            guard let probe else { continue }
            let key = "services.\(service.name).\(name)"
            let span = node?[name]?.span
            // The keys as written: one whose value is wrong has been reported already.
            let targets = ["http", "tcp", "exec"].filter { node?[name]?[$0] != nil }
            if targets.count != 1 { decoder.report(.probeTarget(key: key, found: targets), at: span) }
            let needsPort =
                (probe.http != nil && probe.http?.port == nil) || (probe.tcp != nil && probe.tcp?.port == nil)
            if needsPort, service.value.port == nil {
                decoder.report(.probeWithoutPort(key: key, service: service.name), at: span)
            }
        }
    }

    /// Behind a front the service runs on one of two ports of its own, so it must be told its port on its command line.
    private static func checkFront(
        _ service: Named<ServiceSection>, _ node: YAMLNode?, _ services: [Named<ServiceSection>],
        _ decoder: inout ConfigDecoder
    ) {
        guard service.value.front != nil else { return }
        let key = "services.\(service.name).front"
        let span = node?["front"]?.span
        guard let port = service.value.port, port <= 65_533 else {
            return decoder.report(.frontWithoutPort(key: key, service: service.name), at: span)
        }
        let slots = FrontSlot.allCases.map { service.value.slot($0, of: service.name) }
        if slots[0].value.command.arguments == service.value.command.arguments {
            decoder.report(.frontWithoutPort(key: key, service: service.name), at: span)
        }
        for other in services where other.name != service.name {
            guard let slot = slots.first(where: { $0.name == other.name || $0.value.port == other.value.port }) else {
                continue
            }
            let what = slot.name == other.name ? "the name `\(slot.name)`" : "port \(slot.value.port ?? 0)"
            decoder.report(.frontTaken(key: key, what: what, by: other.name), at: span)
        }
    }

    /// The gateway listens where its own section says; probes and the check for a free port go by the service's.
    private static func checkGatewayPort(
        _ service: Named<ServiceSection>, _ node: YAMLNode?, _ gateway: GatewaySection, _ decoder: inout ConfigDecoder
    ) {
        let arguments = service.value.command.arguments
        guard let port = service.value.port, port != gateway.port, arguments.count > 2 else { return }
        guard PathName.last(of: arguments[0]) == "llm-router", arguments[1] == "gateway", arguments[2] == "serve" else {
            return
        }
        guard !arguments.contains(where: { $0 == "--port" || $0.hasPrefix("--port=") }) else { return }
        decoder.report(.gatewayPort(port, service: service.name, gateway: gateway.port), at: node?["port"]?.span)
    }

    private static func checkPorts(
        _ services: [Named<ServiceSection>], _ nodes: [String: YAMLNode], _ decoder: inout ConfigDecoder
    ) {
        var owners: [Int: String] = [:]
        for service in services {
            guard let port = service.value.port else { continue }
            guard let owner = owners[port] else {
                owners[port] = service.name
                continue
            }
            decoder.report(
                .duplicatePort(
                    port, service: service.name, other: owner, otherLine: nodes[owner]?["port"]?.span?.start.line),
                at: nodes[service.name]?["port"]?.span)
        }
    }

    /// Reports each cycle once, at the dependency that closes it.
    private static func checkCycles(_ services: [Named<ServiceSection>], _ decoder: inout ConfigDecoder) {
        var finished: Set<String> = []
        let dependencies = Dictionary(
            services.compactMap { $0.value.dependencies.isEmpty ? nil : ($0.name, $0.value.dependencies) }
        ) { first, _ in first }
        for service in services where !service.value.dependencies.isEmpty {
            var trail: [String] = []
            visit(service.name, dependencies, &trail, &finished, &decoder)
        }
    }

    private static func visit(
        _ name: String, _ dependencies: [String: [Named<ServiceDependency.Condition>]], _ trail: inout [String],
        _ finished: inout Set<String>, _ decoder: inout ConfigDecoder
    ) {
        guard !finished.contains(name), let needed = dependencies[name] else { return }
        trail.append(name)
        for dependency in needed {
            if let start = trail.firstIndex(of: dependency.name) {
                decoder.report(.dependencyCycle(trail[start...] + [dependency.name]), at: dependency.span)
            } else {
                visit(dependency.name, dependencies, &trail, &finished, &decoder)
            }
        }
        trail.removeLast()
        finished.insert(name)
    }
}

extension ServiceSection {
    /// Whether anything in it could contradict something else.
    fileprivate var hasRelations: Bool {
        port != nil || front != nil || readiness != nil || liveness != nil || !dependencies.isEmpty
    }
}
