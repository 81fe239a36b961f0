// SPDX-License-Identifier: MIT

internal import Diagnostics
package import YAMLSyntax

/// The embedded gateway's own settings. The gateway reads them from a rendered file, so here they are only checked.
package struct GatewaySection: Sendable {
    package var host = "127.0.0.1"
    package var port = 4000
    var admin = AdminSection()
    var traces = TracesSection()
    var budgets = BudgetsSection()
    /// The section as written, with absolute paths: what is rendered for the gateway.
    package var node = YAMLNode(.mapping([]))

    static let definition = SectionDefinition<GatewaySection>(
        "The embedded gateway's own settings, beside LiteLLM's in `litellm_base`. Everything is optional.",
        [
            .key(
                "host", \.host, .host, defaultOf: GatewaySection(), "Where it listens; other than loopback needs a key."
            ),
            .key("port", \.port, .port, defaultOf: GatewaySection(), "Where it listens."),
            .key(
                "admin", \.admin, .section(AdminSection.definition) { AdminSection() }, default: "none",
                "The admin side: a socket, or an address with a key."),
            .checked(
                "virtual_models",
                .mapping(nameWords: "model names", of: .section(VirtualModel.definition) { VirtualModel() }),
                default: "{}", "Model names that are routed by how complex a request is."),
            .checked(
                "providers",
                .mapping(
                    nameWords: "`model_info.id`, `model_name` or providers",
                    of: .section(ProviderFacts.definition) { ProviderFacts() }), default: "{}",
                "Facts for ranking; of a provider such as `openai`, limits over all its deployments."),
            .checked(
                "ranking", .section(Ranking.definition) { Ranking() }, default: "none",
                "Rank deployments, in place of `routing_strategy`; also for prompts that state no priority."),
            .checked(
                "breaker", .section(Breaker.definition) { Breaker() }, default: "{failures: 3, open: 60s, probes: 1}",
                "When a deployment is left alone."),
            .key(
                "budgets", \.budgets, .section(BudgetsSection.definition) { BudgetsSection() }, default: "none",
                "What users, keys and providers may spend."),
            .checked(
                "hedge", .section(Hedge.definition) { Hedge() }, default: "none",
                "When a second deployment is asked as well."),
            .checked(
                "timeouts", .section(Timeouts.definition) { Timeouts() }, default: "{}",
                "Time-outs of a request's parts."),
            .checked("limits", .section(Limits.definition) { Limits() }, default: "{}", "Bounds of what is accepted."),
            .checked(
                "resume", .bool, default: "true",
                "Whether a broken stream is continued on a fallback when its beginning is the same."),
            .checked(
                "affinity", .section(Affinity.definition) { Affinity() }, default: "none",
                "Keeps a session on one deployment."),
            .checked(
                "keys", .mapping(nameWords: "key names", of: .section(GatewayKey.definition) { GatewayKey() }),
                default: "{}", "Keys of clients, beside `general_settings.master_key`."),
            .key(
                "traces", \.traces, .section(TracesSection.definition) { TracesSection() }, default: "none",
                "One JSON file an attempt."),
            .checked(
                "access_log", .section(AccessLog.definition) { AccessLog() }, default: "{}", "One JSON line a request."),
        ])

    /// Puts absolute paths in, since the rendered file lies in another folder.
    mutating func keep(_ source: YAMLNode) {
        node = source.entries == nil ? YAMLNode(.mapping([]), span: source.span) : source
        let resolved = [
            ("admin", "socket", admin.socket), ("traces", "dir", traces.directory), ("budgets", "store", budgets.store),
        ]
        for (section, key, path) in resolved {
            guard let path else { continue }
            node.replaceValue(at: [section, key], with: .string(path))
        }
    }
}

extension YAMLNode {
    /// Replaces the value of a key that is there; does nothing when it is not.
    fileprivate mutating func replaceValue(at keys: [String], with value: YAMLNode) {
        guard let key = keys.first else {
            self = YAMLNode(value.content, span: span)
            return
        }
        guard var entries, let index = entries.firstIndex(where: { $0.key.scalar?.text == key }) else { return }
        entries[index].value.replaceValue(at: Array(keys.dropFirst()), with: value)
        content = .mapping(entries)
    }
}

private let shortest = Duration.milliseconds(1)
private let longest = Duration.seconds(86_400)

/// Where the admin side listens.
struct AdminSection: Sendable {
    var socket: String?

    static let definition = SectionDefinition<AdminSection>(
        "Where the admin side listens.",
        [
            .optional("socket", \.socket, .path, "Unix socket, mode 0600."),
            .checked("host", .host, default: "127.0.0.1", "Address, instead of a socket."),
            .checked("port", .port, "Port, instead of a socket."),
            .checked("key", .secretReference, "Key that every admin request needs."),
        ])
}

/// What is kept of each attempt.
struct TracesSection: Sendable {
    var directory: String?

    static let definition = SectionDefinition<TracesSection>(
        "What is kept of each attempt.",
        [
            .optional("dir", \.directory, .path, "Folder of the trace files."),
            .checked("keep", .integer(0...10_000_000), default: "10000", "How many files stay."),
        ])
}

/// What may be spent.
struct BudgetsSection: Sendable {
    var store: String?

    static let definition = SectionDefinition<BudgetsSection>(
        "What may be spent; amounts are in dollars, exact, and best quoted.",
        [
            .checked("users", .budget, "Budget of each user."),
            .checked("keys", .budget, "Budget of each key."),
            .checked("providers", .budget, "Budget of each provider."),
            .optional(
                "store", \.store, .path, default: "`budgets.sqlite` in the runtime folder",
                "Database of what was spent."),
        ])
}

/// A model name that stands for two pools.
struct VirtualModel: Sendable {
    enum Mode: String, CaseIterable, Sendable {
        case vibe, words
    }

    static let definition = SectionDefinition<VirtualModel>(
        "A model name that stands for a light and a strong pool.",
        [
            .checked(
                "mode", ValueFormat<Mode>.word(), default: "words",
                "How complexity is scored: `vibe` searches its words anywhere in the last message, `words` reads whole words."
            ),
            .checked("threshold", .integer(0...100), default: "50", "From this score on a request is complex."),
            .checked("simple", .string, isRequired: true, "Model group for simple requests."),
            .checked("complex", .string, isRequired: true, "Model group for complex requests."),
        ])
}

/// What is known of a provider before it is measured.
struct ProviderFacts: Sendable {
    static let definition = SectionDefinition<ProviderFacts>(
        "What is known of a provider before it is measured.",
        [
            .checked("input_cost_per_token", .money, "Dollars."),
            .checked("output_cost_per_token", .money, "Dollars."),
            .checked("latency_ms", .number(0...3_600_000), "Usual latency in milliseconds."),
            .checked("rpm", .integer(0...1_000_000_000), "Requests a minute."),
            .checked("tpm", .integer(0...1_000_000_000_000), "Tokens a minute."),
            .checked("specialties", .list(of: .word(TaskClass.self)), "What it is best at."),
            .checked("quality", .number(0...1), "How good its answers are."),
        ])

    enum TaskClass: String, CaseIterable, Sendable {
        case code, writing, analysis
    }
}

/// How providers are ranked.
struct Ranking: Sendable {
    enum Goal: String, CaseIterable, Sendable {
        case cost, speed, quality
    }

    static let definition = SectionDefinition<Ranking>(
        "How providers are ranked when a request asks for nothing.",
        [
            .checked("prefer", ValueFormat<Goal>.word(), default: "cost", "What comes first.")
        ])
}
