// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax
internal import RouterServices
internal import YAMLSyntax

extension SectionDefinition<RestartPolicy> {
    static let restartPolicy = SectionDefinition(
        "What follows when a process ends by itself.",
        [
            .key("policy", \.mode, .word(), defaultOf: RestartPolicy(), "Which ends lead to a restart."),
            .key(
                "delay", \.initialDelay, .duration(.milliseconds(1)...longest), defaultOf: RestartPolicy(),
                "Wait before the second restart in a row; the first is at once."),
            .key(
                "max_delay", \.maximumDelay, .duration(.milliseconds(1)...longest), defaultOf: RestartPolicy(),
                "Longest wait between restarts."),
            .key(
                "multiplier", \.multiplier, .number(1...100), defaultOf: RestartPolicy(),
                "Each wait is this many times the last."),
            .key("jitter", \.jitter, .number(0...1), defaultOf: RestartPolicy(), "Share of a wait that is random."),
            .key(
                "stable_after", \.stableAfter, .duration(.zero...longest), defaultOf: RestartPolicy(),
                "A process that ran this long has recovered."),
            .key(
                "crash_limit", \.crashLoopLimit, .integer(0...100_000), defaultOf: RestartPolicy(),
                "More exits than this within `crash_window` are fatal; 0 never gives up."),
            .key(
                "crash_window", \.crashLoopWindow, .duration(.seconds(1)...longest), defaultOf: RestartPolicy(),
                "Window in which exits are counted."),
        ])

    private static let longest = Duration.seconds(86_400)
}

extension SectionDefinition<StopPolicy> {
    static let stopPolicy = SectionDefinition(
        "How a service is asked to end.",
        [
            .key("signal", \.signal, .word(), defaultOf: StopPolicy(), "The first signal, to the whole process group."),
            .key(
                "timeout", \.timeout, .duration(.zero...Duration.seconds(3600)), defaultOf: StopPolicy(),
                "After this the whole tree is killed."),
        ])
}

extension ValueFormat where Value == RestartPolicy {
    /// `restart: always`, or a mapping with the details.
    static var restartPolicy: ValueFormat {
        let word = ValueFormat<RestartPolicy.Mode>.word()
        let section = ValueFormat.section(.restartPolicy) { RestartPolicy() }
        return ValueFormat(.either([word.shape, section.shape]), write: { word.write($0.mode) }) { node, decoder in
            guard node.scalar != nil else { return section.read(node, &decoder) }
            var policy = RestartPolicy()
            guard let mode = word.read(node, &decoder) else { return nil }
            policy.mode = mode
            return policy
        }
    }
}

extension ValueFormat where Value == [Named<ServiceDependency.Condition>] {
    /// `{name: ready}`, or a list of names that must be ready.
    static var dependencies: ValueFormat {
        let mapping = ValueFormat.mapping(nameWords: "service names", of: .word())
        let list = ValueFormat<[Named<ServiceDependency.Condition>]>.list(of: .dependencyName)
        return ValueFormat(.either([mapping.shape, list.shape])) { node, decoder in
            node.elements == nil ? mapping.read(node, &decoder) : list.read(node, &decoder)
        }
    }
}

extension ValueFormat where Value == Named<ServiceDependency.Condition> {
    fileprivate static var dependencyName: ValueFormat {
        let name = ValueFormat<String>.string
        return ValueFormat(name.shape) { node, decoder in
            name.read(node, &decoder).map { Named(name: $0, span: node.span, value: .ready) }
        }
    }
}

extension ValueFormat where Value == String {
    /// An argument vector's element, which cannot hold a NUL.
    static var argument: ValueFormat {
        .text("a string") { !$0.utf8.contains(0) }
    }
}

extension ValueFormat where Value == Secret<String> {
    /// A variable's value; numbers are kept as they are spelled, truth values must be quoted.
    static var variableValue: ValueFormat {
        let words = "a string or a number"
        let json: JSONObject = ["type": ["string", "number"]]
        return .scalar(words, json) { node in
            guard let scalar = node.scalar else { return nil }
            switch scalar.resolvedType {
            case .string, .integer, .float: return scalar.text.utf8.contains(0) ? nil : Secret(scalar.text)
            case .null, .bool, .timestamp: return nil
            }
        }
    }
}
