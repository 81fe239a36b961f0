// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax
internal import LLMRouting
internal import SystemIO

/// Reads the `gateway` section that a profile renders beside the active file.
extension SettingsBuilder {
    mutating func apply(_ root: PolicyNode, _ baseDirectory: String?) {
        settings.host = root["host"]?.text
        settings.port = root["port"]?.integer
        applyVirtualModels(root["virtual_models"])
        applyProviders(root["providers"])
        if let breaker = root["breaker"] {
            takeCount(breaker["failures"], atLeast: 1) { $0.policy.breaker.failures = $1 }
            takeDuration(breaker["open"]) { $0.policy.breaker.open = $1 }
            takeCount(breaker["probes"], atLeast: 1) { $0.policy.breaker.probes = $1 }
        }
        if let hedge = root["hedge"] {
            takeDuration(hedge["after"]) { $0.policy.hedge = HedgePolicy(after: $1, extraPerThousand: 50) }
            if let extra = hedge["extra"] {
                guard let share = extra.perThousand else {
                    return settings.findings.append(extra.problem("a share such as `5%`"))
                }
                settings.policy.hedge?.extraPerThousand = share
            }
        }
        if let resume = root["resume"]?.value.boolValue { settings.policy.resume = resume ? .verifiedPrefix : .never }
        if let prefer = root["ranking"]?["prefer"]?.text, let priority = RankingPriority(rawValue: prefer) {
            settings.policy.strategy = .ranked(priority)
        }
        settings.affinityHeader = root["affinity"].map { $0["header"]?.text?.lowercased() ?? "x-session-id" }
        if let enabled = root["access_log"]?["enabled"]?.value.boolValue { settings.logsRequests = enabled }
        applyTimeouts(root["timeouts"])
        applyLimits(root["limits"])
        applyKeys(root["keys"])
        applyBudgets(root["budgets"], baseDirectory)
        if let directory = root["traces"]?["dir"]?.text {
            settings.traces = TraceSettings(
                directory: Self.absolute(directory, baseDirectory), keep: root["traces"]?["keep"]?.integer ?? 10_000)
        }
        applyAdmin(root["admin"], baseDirectory)
    }

    private mutating func takeCount(
        _ node: PolicyNode?, atLeast least: Int = 0, _ assign: (inout GatewaySettings, Int) -> Void
    ) {
        guard let node else { return }
        guard let count = node.integer, count >= least else {
            settings.findings.append(node.problem("a whole number of at least \(least)"))
            return
        }
        assign(&settings, count)
    }

    private mutating func takeByteCount(_ node: PolicyNode?, _ assign: (inout GatewaySettings, Int) -> Void) {
        guard let node else { return }
        guard let count = node.byteCount, count > 0 else {
            settings.findings.append(node.problem("a size such as `32MiB`"))
            return
        }
        assign(&settings, count)
    }

    private mutating func takeDuration(_ node: PolicyNode?, _ assign: (inout GatewaySettings, Duration) -> Void) {
        guard let node else { return }
        guard let duration = node.duration else {
            settings.findings.append(node.problem("a duration such as `15s`"))
            return
        }
        assign(&settings, duration)
    }

    private mutating func applyVirtualModels(_ node: PolicyNode?) {
        for (name, model) in node?.members ?? [] {
            guard let simple = model["simple"]?.text, let complex = model["complex"]?.text else {
                settings.findings.append(model.problem("a mapping with `simple` and `complex`"))
                continue
            }
            let mode: VirtualModel.Mode = model["mode"]?.text == "vibe" ? .vibe : .words
            settings.policy.virtualModels[name] = VirtualModel(
                mode: mode, threshold: model["threshold"]?.integer ?? 50, simple: simple, complex: complex)
        }
    }

    private mutating func applyProviders(_ node: PolicyNode?) {
        for (name, facts) in node?.members ?? [] {
            let isProvider = settings.policy.deployments.contains { $0.provider == name }
            if isProvider, !settings.policy.deployments.contains(where: { $0.id == name || $0.group == name }) {
                // A provider's limits hold over all its deployments together.
                settings.policy.providerLimits[name] = RateLimits(
                    requestsPerMinute: facts["rpm"]?.integer, tokensPerMinute: facts["tpm"]?.integer)
                continue
            }
            for index in settings.policy.deployments.indices {
                let deployment = settings.policy.deployments[index]
                guard deployment.id == name || deployment.group == name else { continue }
                var prices = deployment.prices
                if let amount = facts["input_cost_per_token"]?.text, let money = Money(amount) { prices.input = money }
                if let amount = facts["output_cost_per_token"]?.text, let money = Money(amount) {
                    prices.output = money
                }
                settings.policy.deployments[index].prices = prices
                if let number = facts["latency_ms"]?.value.doubleValue {
                    settings.policy.deployments[index].latency = .microseconds(Int64(number * 1000))
                }
                if let rpm = facts["rpm"]?.integer { settings.policy.deployments[index].requestsPerMinute = rpm }
                if let tpm = facts["tpm"]?.integer { settings.policy.deployments[index].tokensPerMinute = tpm }
                if let quality = facts["quality"]?.value.doubleValue {
                    settings.policy.deployments[index].quality = quality
                }
                let specialties = (facts["specialties"]?.elements ?? []).compactMap {
                    $0.text.flatMap(TaskClass.init(rawValue:))
                }
                if !specialties.isEmpty { settings.policy.deployments[index].specialties = Set(specialties) }
            }
        }
    }

    private mutating func applyTimeouts(_ node: PolicyNode?) {
        guard let node else { return }
        takeDuration(node["connect"]) { $0.policy.timeouts.connect = $1 }
        takeDuration(node["first_token"]) {
            $0.policy.timeouts.firstToken = $1
            // Who says how long a first token may take means whole answers as well, unless the model says otherwise.
            $0.answerTimeout = $1
        }
        takeDuration(node["answer"]) { $0.answerTimeout = $1 }
        takeDuration(node["idle"]) { $0.policy.timeouts.idle = $1 }
        takeDuration(node["total"]) { $0.policy.timeouts.total = $1 }
        takeDuration(node["header"]) { $0.limits.headTimeout = Nanoseconds.of($1) }
        takeDuration(node["body"]) {
            $0.limits.bodyTimeout = Nanoseconds.of($1)
            $0.limits.bodyIdleTimeout = min($0.limits.bodyIdleTimeout, Nanoseconds.of($1))
        }
        takeDuration(node["keep_alive"]) { $0.limits.keepAliveTimeout = Nanoseconds.of($1) }
        takeDuration(node["drain"]) { $0.limits.drainTimeout = Nanoseconds.of($1) }
        takeDuration(node["write_stall"]) { $0.limits.writeStallTimeout = Nanoseconds.of($1) }
        let shortest = min(
            Nanoseconds.of(settings.policy.timeouts.firstToken), Nanoseconds.of(settings.policy.timeouts.idle),
            settings.limits.headTimeout, settings.limits.bodyIdleTimeout)
        settings.limits.tick = min(settings.limits.tick, max(Nanoseconds.milliseconds(2), shortest / 8))
    }

    private mutating func applyLimits(_ node: PolicyNode?) {
        guard let node else { return }
        takeByteCount(node["header_bytes"]) { $0.limits.head.bytes = $1 }
        takeByteCount(node["body_bytes"]) { $0.limits.bodyBytes = $1 }
        takeCount(node["connections"], atLeast: 1) { $0.limits.connections = $1 }
        takeCount(node["requests"], atLeast: 1) { $0.limits.concurrentRequests = $1 }
        takeCount(node["queue"]) { $0.limits.queuedRequests = $1 }
        takeByteCount(node["line_bytes"]) { $0.limits.eventBytes = $1 }
    }

    private mutating func applyKeys(_ node: PolicyNode?) {
        for (name, entry) in node?.members ?? [] {
            guard let hash = entry["hash"]?.text, hash.hasPrefix("sha256:"),
                let digest = Self.bytes(hex: hash.dropFirst(7)),
                digest.count == 32
            else {
                settings.findings.append(entry.problem("a mapping whose `hash` is `sha256:` and 64 hex digits"))
                continue
            }
            var key = ClientKeySpec(name: name, proof: .sha256(digest))
            key.models = Set((entry["models"]?.elements ?? []).compactMap(\.text))
            if let text = entry["expires"]?.text {
                guard let moment = Self.seconds(ofDate: text) else {
                    settings.findings.append(entry.problem("a mapping whose `expires` is a date such as 2027-01-31"))
                    continue
                }
                key.expires = moment
            }
            let limits = RateLimits(requestsPerMinute: entry["rpm"]?.integer, tokensPerMinute: entry["tpm"]?.integer)
            if limits.requestsPerMinute != nil || limits.tokensPerMinute != nil {
                settings.policy.keyLimits[name] = limits
            }
            if let amount = entry["budget"]?.text, let money = Money(amount) {
                settings.policy.budgets.keyCaps[name] = BudgetCap(
                    amount: money, window: entry["window"]?.duration ?? .seconds(30 * 86400))
            }
            settings.keys.append(key)
        }
    }

    private mutating func applyBudgets(_ node: PolicyNode?, _ baseDirectory: String?) {
        guard let node else { return }
        for (scope, budget) in node.members where scope != "store" {
            let window = budget["window"]?.duration
            for (name, amount) in budget.members where name != "window" {
                guard let text = amount.text, let money = Money(text) else {
                    settings.findings.append(amount.problem("an amount such as \"1.00\""))
                    continue
                }
                let cap = BudgetCap(amount: money, window: window)
                switch (scope, name) {
                case ("users", "default"): settings.policy.budgets.defaultUserCap = cap
                case ("users", _): settings.policy.budgets.userCaps[name] = cap
                case ("keys", _): settings.policy.budgets.keyCaps[name] = cap
                case ("providers", _): settings.policy.budgets.providerCaps[name] = cap
                default: settings.findings.append(budget.problem("under `users`, `keys` or `providers`"))
                }
            }
        }
        settings.ledgerPath = node["store"]?.text.map { Self.absolute($0, baseDirectory) }
    }

    private mutating func applyAdmin(_ node: PolicyNode?, _ baseDirectory: String?) {
        guard let node else { return }
        var key: Secret<String>?
        if let reference = node["key"]?.text {
            let variable = reference.hasPrefix("os.environ/") ? String(reference.dropFirst(11)) : nil
            guard let value = variable.map(environment) ?? reference else {
                settings.findings.append(node.problem("given a `key` whose variable is set"))
                return
            }
            key = Secret(value)
        }
        if let socket = node["socket"]?.text {
            settings.admin = AdminSettings(address: .socket(Self.absolute(socket, baseDirectory)), key: key)
        } else if let port = node["port"]?.integer {
            settings.admin = AdminSettings(
                address: .port(host: node["host"]?.text ?? "127.0.0.1", port: port), key: key)
        }
    }

    private static func absolute(_ path: String, _ base: String?) -> String {
        guard !path.hasPrefix("/"), let base else { return path }
        return base + "/" + path
    }

    static func bytes(hex: Substring) -> [UInt8]? {
        let digits = hex.compactMap { $0.isASCII ? $0.hexDigitValue : nil }
        guard digits.count == hex.count, digits.count % 2 == 0 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    /// Midnight UTC at the start of `2027-01-31`, or the moment of `2027-01-31T10:00:00Z`.
    static func seconds(ofDate text: String) -> Int64? {
        let parts = text.split { "-T :Z".contains($0) }.map { Int($0) }
        let numbers = parts.compactMap { $0 }
        guard numbers.count == parts.count, (3...6).contains(numbers.count) else { return nil }
        let clock = Array(numbers.dropFirst(3)) + [0, 0, 0]
        let moment = CalendarTime(
            year: numbers[0], month: numbers[1], day: numbers[2], hour: clock[0], minute: clock[1], second: clock[2])
        return moment.map { $0.microsecondsSince1970 / 1_000_000 }
    }
}
