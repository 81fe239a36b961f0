// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterConfig
internal import RouterServices

/// The probes of one service, with addresses and keys put in.
struct ProbePlan {
    let name: String
    let service: ServiceSection
    let environment: ServiceEnvironment
    let programs: ProgramSearch

    /// What the config says; else HTTP on the service's port, with its usual key where that is set; else nothing.
    var readiness: ProbeSpec? {
        if let section = service.readiness { return probe(section) }
        guard let port = service.port else { return nil }
        var http = HTTPProbe(address: ListenAddress(host: host(nil), port: port), path: defaultPath)
        http.bearer = usualKey
        return ProbeSpec(target: .http(http))
    }

    var liveness: ProbeSpec? {
        service.liveness.flatMap(probe)
    }

    private func probe(_ section: ProbeSection) -> ProbeSpec? {
        guard let target = target(section) else { return nil }
        var probe = ProbeSpec(target: target)
        probe.period = section.period
        probe.timeout = section.timeout
        probe.startPeriod = section.startPeriod
        probe.startInterval = section.startInterval
        probe.successThreshold = section.successes
        probe.failureThreshold = section.failures
        return probe
    }

    private func target(_ section: ProbeSection) -> ProbeSpec.Target? {
        if let arguments = section.exec {
            return .exec([programs.path(of: arguments[0])] + arguments.dropFirst())
        }
        if let tcp = section.tcp {
            return (tcp.port ?? service.port).map { .tcp(ListenAddress(host: host(tcp.host), port: $0)) }
        }
        guard let http = section.http, let port = http.port ?? service.port else { return nil }
        var probe = HTTPProbe(address: ListenAddress(host: host(http.host), port: port), path: http.path ?? defaultPath)
        probe.isTLS = http.isTLS
        probe.bearer = bearer(http.bearer)
        probe.headers = http.headers.map { "\($0.name): \($0.value)" }
        probe.acceptedStatus = http.expect
        probe.bodyMatch = http.body
        return .http(probe)
    }

    private var defaultPath: String {
        service.readinessPath ?? service.healthPath ?? ServiceSection.defaultReadinessPath
    }

    /// An address to connect to, for one that may be meant for listening.
    private func host(_ written: String?) -> String {
        let host = ListenAddress.reachableHost(written ?? service.host)
        return host == "localhost" ? "127.0.0.1" : host
    }

    private func bearer(_ reference: SecretReference?) -> HTTPProbe.Bearer {
        switch reference {
        case nil: .none
        case .literal(let key): .token(key)
        case .environment(let variable): environment.secret(variable).map { .token($0) } ?? .missingVariable(variable)
        }
    }

    /// Configs from before `readiness` name no key, though their servers want one.
    private var usualKey: HTTPProbe.Bearer {
        let variable: String? =
            switch ServiceKind(name: name, program: service.command.arguments[0]) {
            case .litellm: "LITELLM_MASTER_KEY"
            case .cliproxy: "ROUTER_UPSTREAM_API_KEY"
            case .other: nil
            }
        return variable.flatMap(environment.secret).map { .token($0) } ?? .none
    }
}
