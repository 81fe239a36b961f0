// SPDX-License-Identifier: MIT

extension RoleConfiguration {
    /// Reads a parsed file. Unknown keys are ignored, unknown fallback names are kept and skipped at run time: files
    /// that were accepted before stay accepted.
    public init(root: SettingValue) throws(RoleConfigurationError) {
        guard let llm = root.mapValue?["llm"] else { throw .noTopLevelKey }
        guard let section = llm.mapValue else { throw .wrongShape("llm", expected: "a mapping") }
        guard let defaultRole = section["default_role"] else { throw .missingField("llm.default_role") }
        let providers = try Self.map(section, "providers")
        let roles = try Self.map(section, "roles")
        self.defaultRole = defaultRole.nameValue ?? ""
        self.providers = []
        self.roles = []
        for member in providers.members { self.providers.append(try Self.provider(member)) }
        for member in roles.members { self.roles.append(try role(member)) }
    }

    /// A mapping with at least one member; whatever is empty counts as missing.
    private static func map(_ section: Settings, _ key: String) throws(RoleConfigurationError) -> Settings {
        guard let value = section[key], value.isTruthy else { throw .missingField("llm.\(key)") }
        guard let settings = value.mapValue else { throw .wrongShape("llm.\(key)", expected: "a mapping") }
        return settings
    }

    private static func provider(_ member: Settings.Member) throws(RoleConfigurationError) -> Provider {
        guard var settings = member.value.mapValue, let type = settings["type"]?.nameValue else {
            throw .providerWithoutType(member.name)
        }
        settings["type"] = nil
        return Provider(name: member.name, type: type, settings: settings)
    }

    private func role(_ member: Settings.Member) throws(RoleConfigurationError) -> Role {
        guard let settings = member.value.mapValue, let name = settings["provider"]?.nameValue else {
            throw .roleWithoutProvider(member.name)
        }
        guard provider(named: name) != nil else { throw .unknownProvider(role: member.name, provider: name) }
        let place = "llm.roles.\(member.name)"
        var attributes = RequestAttributes.defaults
        attributes.model = try read(settings["model"], "\(place).model", "text") { $0.nameValue } ?? ""
        attributes.temperature =
            try read(settings["temperature"], "\(place).temperature", "a number") { $0.numberValue } ?? 0.2
        attributes.jsonMode =
            try read(settings["json_mode"], "\(place).json_mode", "true or false") { $0.flag } ?? false
        attributes.maximumTokens = try read(settings["max_tokens"], "\(place).max_tokens", "a whole number") {
            $0.numberValue.flatMap { Int(exactly: $0) }
        }
        let seconds = try read(settings["timeout"], "\(place).timeout", "seconds") { $0.numberValue } ?? 60
        attributes.timeout = .seconds(max(0, min(seconds, 1e9)))
        return Role(
            name: member.name, provider: name, attributes: attributes,
            fallbacks: try fallbacks(settings["fallback_providers"], place))
    }

    private func fallbacks(_ value: SettingValue?, _ place: String) throws(RoleConfigurationError) -> [Fallback] {
        switch value {
        case nil, .null: return []
        case .list(let list):
            var fallbacks: [Fallback] = []
            for item in list {
                if let name = item.nameValue {
                    fallbacks.append(Fallback(provider: name))
                } else if let settings = item.mapValue, let name = settings["provider"]?.nameValue {
                    fallbacks.append(Fallback(provider: name, model: settings["model"]?.nameValue))
                } else {
                    throw .wrongShape("\(place).fallback_providers", expected: "a list of provider names")
                }
            }
            return fallbacks
        case .bool, .integer, .number, .text, .map:
            throw .wrongShape("\(place).fallback_providers", expected: "a list of provider names")
        }
    }

    private func read<Value>(
        _ value: SettingValue?, _ place: String, _ expected: String, _ convert: (SettingValue) -> Value?
    ) throws(RoleConfigurationError) -> Value? {
        guard let value, value != .null else { return nil }
        guard let converted = convert(value) else { throw .wrongShape(place, expected: expected) }
        return converted
    }

    /// What the reader lets pass and an operator wants to know.
    public var problems: [RoleConfigurationError] {
        var problems: [RoleConfigurationError] = []
        for role in roles {
            for fallback in role.fallbacks where provider(named: fallback.provider) == nil {
                problems.append(.unknownFallback(role: role.name, provider: fallback.provider))
            }
        }
        if !roles.contains(where: { $0.name == defaultRole }) { problems.append(.unknownDefaultRole(defaultRole)) }
        return problems
    }
}

extension SettingValue {
    fileprivate var flag: Bool? {
        if case .bool(let flag) = self { flag } else { nil }
    }
}
