// SPDX-License-Identifier: MIT

package import RouterConfig
internal import RouterServices
internal import YAMLSyntax

/// A variable that a configuration names with `os.environ/NAME`, and who looks it up.
package struct VariableReference: Hashable, Sendable {
    package enum Reader: Hashable, Sendable {
        /// What reads the rendered profile: LiteLLM, or the gateway.
        case profile
        /// A probe of the service.
        case service(String)
        /// The login, with the variables of the server that keeps the credentials.
        case login
    }

    package let name: String
    package let reader: Reader

    /// All of a configuration, sorted by name.
    package static func all(in configuration: Configuration) -> [VariableReference] {
        var found: Set<VariableReference> = []
        func note(_ name: String, _ reader: Reader) { found.insert(VariableReference(name: name, reader: reader)) }
        for node in [configuration.litellmBase, configuration.gateway.node] + configuration.profiles.map(\.value) {
            node.visitScalars { _, text in
                guard text.hasPrefix(SecretReference.prefix) else { return }
                note(String(text.dropFirst(SecretReference.prefix.count)), .profile)
            }
        }
        for service in configuration.services {
            for probe in [service.value.readiness, service.value.liveness] {
                if case .environment(let name) = probe?.http?.bearer { note(name, .service(service.name)) }
            }
        }
        for provider in configuration.oauth {
            if case .environment(let name) = provider.value.managementKey { note(name, .login) }
        }
        return found.sorted { ($0.name, "\($0.reader)") < ($1.name, "\($1.reader)") }
    }
}

extension Stack {
    /// Finds the value of a reference as its reader does; an empty one counts as none.
    func variableLookup() -> (VariableReference) -> String? {
        let plan = plan()
        let profile = environment(of: plan.profileReader)
        let login = environment(of: CredentialServer.service(in: plan))
        let services = Dictionary(plan.services.map { ($0.name, environment(of: $0)) }) { first, _ in first }
        return { reference in
            let value =
                switch reference.reader {
                case .profile: profile[reference.name]
                case .service(let name): services[name]?[reference.name]
                case .login: login[reference.name]
                }
            return value.flatMap { $0.isEmpty ? nil : $0 }
        }
    }
}

extension YAMLNode {
    /// Calls `body` with every scalar and its place, such as `model_list[0].litellm_params.api_key`.
    func visitScalars(at place: String = "", _ body: (_ place: String, _ text: String) -> Void) {
        switch content {
        case .scalar(let scalar): body(place, scalar.text)
        case .sequence(let elements):
            for (index, element) in elements.enumerated() { element.visitScalars(at: "\(place)[\(index)]", body) }
        case .mapping(let entries):
            for entry in entries {
                let key = entry.key.scalar?.text ?? "?"
                entry.value.visitScalars(at: place.isEmpty ? key : "\(place).\(key)", body)
            }
        }
    }
}
