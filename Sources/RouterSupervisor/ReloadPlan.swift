// SPDX-License-Identifier: MIT

internal import Diagnostics
package import RouterControl
package import RouterServices

/// What changes when one set of specs replaces another.
package enum ReloadPlan {
    /// A service as it is now.
    package struct Current: Sendable {
        package var spec: ServiceSpec
        /// The spec its process was started with; nil when none runs.
        package var running: ServiceSpec?

        package init(spec: ServiceSpec, running: ServiceSpec?) {
            self.spec = spec
            self.running = running
        }
    }

    /// One change a service, new ones in their order, removed ones last.
    package static func make(current: [Current], new specs: [ServiceSpec]) -> [PlannedChange] {
        var known: [String: Current] = [:]
        for entry in current { known[entry.spec.name] = entry }
        var changes: [PlannedChange] = []
        for spec in specs {
            guard let old = known.removeValue(forKey: spec.name) else {
                changes.append(PlannedChange(service: spec.name, action: .start, reasons: ["new"]))
                continue
            }
            changes.append(change(from: old, to: spec))
        }
        for entry in current where known[entry.spec.name] != nil {
            changes.append(PlannedChange(service: entry.spec.name, action: .remove, reasons: ["not in the config"]))
        }
        return changes
    }

    private static func change(from old: Current, to new: ServiceSpec) -> PlannedChange {
        let process = old.running.map { processFields($0, new) } ?? []
        if !process.isEmpty { return PlannedChange(service: new.name, action: .restart, reasons: process) }
        let others = processFields(old.spec, new) + supervisionFields(old.spec, new)
        return PlannedChange(service: new.name, action: others.isEmpty ? .keep : .update, reasons: others)
    }

    /// The fields that only a new process can take over.
    package static func processFields(_ old: ServiceSpec, _ new: ServiceSpec) -> [String] {
        var fields: [String] = []
        if old.command.executable != new.command.executable || old.command.arguments != new.command.arguments {
            fields.append("command.args")
        }
        if old.command.directory != new.command.directory { fields.append("command.cwd") }
        fields += changedVariables(old.command, new.command).map { "env.\($0)" }
        if old.log.path != new.log.path { fields.append("log.path") }
        if old.listen != new.listen { fields.append("port") }
        return fields
    }

    /// The fields that the supervisor takes over by itself.
    private static func supervisionFields(_ old: ServiceSpec, _ new: ServiceSpec) -> [String] {
        var fields: [String] = []
        if old.dependencies != new.dependencies { fields.append("depends_on") }
        if old.restart != new.restart { fields.append("restart") }
        if old.stop != new.stop { fields.append("stop") }
        if old.readiness != new.readiness { fields.append("readiness") }
        if old.liveness != new.liveness { fields.append("liveness") }
        if old.log != new.log, old.log.path == new.log.path { fields.append("log") }
        if old.onProfileSwitch != new.onProfileSwitch { fields.append("on_profile_switch") }
        if old.isEssential != new.isEssential { fields.append("essential") }
        return fields
    }

    /// Names only: a value may be a secret.
    private static func changedVariables(_ old: ServiceCommand, _ new: ServiceCommand) -> [String] {
        let before = EnvironmentMerge.variables(old.environment.reveal())
        let after = EnvironmentMerge.variables(new.environment.reveal())
        return Set(before.keys).union(after.keys).filter { before[$0] != after[$0] }.sorted()
    }
}

/// Puts `NAME=value` lists together.
package enum EnvironmentMerge {
    /// The last value of each name.
    package static func variables(_ entries: [String]) -> [String: String] {
        var result: [String: String] = [:]
        for entry in entries {
            guard let equals = entry.firstIndex(of: "=") else { continue }
            result[String(entry[..<equals])] = String(entry[entry.index(after: equals)...])
        }
        return result
    }

    /// `base` with `additions` over it, each name once, without `removed`.
    package static func merge(_ base: [String], _ additions: [String], removing removed: Set<String> = []) -> [String] {
        let over = variables(additions)
        var result: [String] = []
        var seen: Set<String> = []
        for entry in base {
            let name = String(entry.prefix { $0 != "=" })
            guard over[name] == nil, !removed.contains(name), entry.contains("="), seen.insert(name).inserted else {
                continue
            }
            result.append(entry)
        }
        return result + over.filter { !removed.contains($0.key) }.map { "\($0.key)=\($0.value)" }.sorted()
    }
}
