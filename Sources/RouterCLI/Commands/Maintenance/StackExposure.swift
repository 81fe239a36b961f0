// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterConfig
package import RouterDoctor
internal import RouterServices
internal import SystemIO
internal import YAMLSyntax

/// What others could reach or guess of a stack: where its services listen, and with which keys.
package struct StackExposure {
    private let stack: Stack
    private let plan: ServicePlan
    private var configuration: Configuration { stack.configuration }

    package init(_ stack: Stack) {
        self.stack = stack
        plan = stack.plan()
    }

    /// Services that other machines reach.
    package var exposedBinds: [Check] {
        plan.services.compactMap { spec in
            switch ServiceKind(spec) {
            case .cliproxy: cliproxyBind(spec)
            case .litellm: litellmBind(spec)
            case .other where isGateway(spec.command):
                bind(
                    spec, host: configuration.gateway.host, port: configuration.gateway.port, hasKey: gatewayHasKey,
                    "gateway.host")
            case .other:
                bind(
                    spec, host: spec.listen?.host, port: nil, hasKey: isAskedWithKey(spec),
                    "services.\(spec.origin).host")
            }
        }
    }

    /// LiteLLM listens everywhere unless its arguments, or `HOST`, say otherwise; of `host` in our file it learns nothing.
    private func litellmBind(_ spec: ServiceSpec) -> Check? {
        guard PathName.last(of: spec.command.executable).lowercased() == "litellm" else {
            return bind(spec, host: spec.listen?.host, port: nil, hasKey: true, "services.\(spec.origin).host")
        }
        let variables = stack.environment(of: spec)
        return bind(
            spec, host: variables["HOST"] ?? "0.0.0.0", port: nil,
            hasKey: hasMasterKey || !(variables["LITELLM_MASTER_KEY"] ?? "").isEmpty,
            "--host of services.\(spec.origin)")
    }

    /// The arguments of a service go before any file.
    private func bind(_ spec: ServiceSpec, host: String?, port: Int?, hasKey: Bool, _ setting: String) -> Check? {
        let argument = spec.command.value(of: "--host")
        return ExposureChecks.bind(
            service: spec.name, host: argument ?? host ?? "127.0.0.1",
            port: spec.command.value(of: "--port").flatMap { Int($0) } ?? port ?? spec.listen?.port, hasKey: hasKey,
            setting: argument == nil ? setting : "--host of services.\(spec.origin)")
    }

    /// A program that nothing is known of tells by its probe whether it wants a key.
    private func isAskedWithKey(_ spec: ServiceSpec) -> Bool {
        guard case .http(let probe) = spec.readiness?.target else { return false }
        return probe.bearer != .none
    }

    private func isGateway(_ command: ServiceCommand) -> Bool {
        let program = PathName.last(of: command.executable)
        return program == "llm-router-gateway" && command.arguments.dropFirst().first == "serve"
            || command.executable == stack.context.executablePath && command.arguments.contains("gateway")
    }

    private var gatewayHasKey: Bool {
        hasMasterKey || !(configuration.gateway.node["keys"]?.entries ?? []).isEmpty
    }

    private var hasMasterKey: Bool {
        let settings = [configuration.litellmBase] + configuration.profiles.map(\.value)
        return settings.contains { $0["general_settings"]?["master_key"] != nil }
    }

    /// The server's own file decides where it listens; without a `host` in it that is everywhere.
    private func cliproxyBind(_ spec: ServiceSpec) -> Check? {
        let file = CredentialServer.configFile(of: spec.command)
        guard let root = Self.parse(file) else {
            return bind(spec, host: spec.listen?.host, port: nil, hasKey: false, "services.\(spec.origin).host")
        }
        let keys = (root["api-keys"]?.elements ?? []).filter { !($0.scalar?.text ?? "").isEmpty }
        return ExposureChecks.bind(
            service: spec.name, host: root["host"]?.scalar?.text ?? "",
            port: root["port"]?.integerValue ?? spec.listen?.port, hasKey: !keys.isEmpty, setting: "host in \(file)")
    }

    /// Every key that the stack uses, by the name of the variable or setting that holds it.
    package var keys: [(name: String, value: String)] {
        let secrets = stack.secrets()
        var keys = secrets.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value.reveal()) }
        for spec in plan.services { keys += variables(of: spec, besides: secrets) }
        let lookup = stack.variableLookup()
        for reference in VariableReference.all(in: configuration) {
            let isKnown = keys.contains { $0.name == reference.name || $0.name.hasSuffix("." + reference.name) }
            if !isKnown, let value = lookup(reference) { keys.append((reference.name, value)) }
        }
        keys += Self.literals(in: configuration.litellmBase, "litellm_base")
        for profile in configuration.profiles { keys += Self.literals(in: profile.value, "profiles.\(profile.name)") }
        keys += Self.literals(in: configuration.gateway.node, "gateway")
        for provider in configuration.oauth {
            if case .literal(let key) = provider.value.managementKey {
                keys.append(("oauth.\(provider.name).management_key", key.reveal()))
            }
        }
        for service in configuration.services {
            for (word, probe) in [("readiness", service.value.readiness), ("liveness", service.value.liveness)] {
                guard case .literal(let key) = probe?.http?.bearer else { continue }
                keys.append(("services.\(service.name).\(word).http.bearer", key.reveal()))
            }
        }
        return keys + cliproxyKeys
    }

    /// Keys that `env_file` and `env` of a service set.
    private func variables(of spec: ServiceSpec, besides secrets: [String: Secret<String>]) -> [(String, String)] {
        let own = Set(configuration.service(spec.origin)?.environment.map(\.name) ?? [])
        return spec.command.environment.reveal().compactMap { line in
            guard let equals = line.firstIndex(of: "=") else { return nil }
            let name = String(line[..<equals])
            let value = String(line[line.index(after: equals)...])
            guard ExposureChecks.isKeyName(name), secrets[name]?.reveal() != value else { return nil }
            return ("services.\(spec.origin).\(own.contains(name) ? "env" : "env_file").\(name)", value)
        }
    }

    private var cliproxyKeys: [(name: String, value: String)] {
        var files = plan.services.filter { ServiceKind($0) == .cliproxy }.map {
            CredentialServer.configFile(of: $0.command)
        }
        let usual = configuration.directory + "/cliproxyapi.yaml"
        if !files.contains(usual) { files.append(usual) }
        return files.flatMap { file -> [(name: String, value: String)] in
            guard let root = Self.parse(file) else { return [] }
            let clients = (root["api-keys"]?.elements ?? []).enumerated().compactMap { index, node in
                node.scalar.map { (name: "\(PathName.last(of: file)) api-keys[\(index)]", value: $0.text) }
            }
            return clients + Self.literals(in: root, PathName.last(of: file))
        }
    }

    /// Scalars under a name that tells of a key; references to variables are looked up elsewhere.
    private static func literals(in node: YAMLNode, _ place: String) -> [(name: String, value: String)] {
        var found: [(name: String, value: String)] = []
        node.visitScalars(at: place) { place, text in
            let key = place.split(separator: ".").last.map(String.init) ?? place
            if !text.hasPrefix(SecretReference.prefix), ExposureChecks.isKeyName(key) { found.append((place, text)) }
        }
        return found
    }

    private static func parse(_ path: String) -> YAMLNode? {
        guard let bytes = try? FileSystem.read(path, limit: 1 << 20) else { return nil }
        return try? YAMLParser.parse(bytes, name: path)
    }
}
