// SPDX-License-Identifier: MIT

internal import YAMLSyntax

/// Version 2 calls `secrets` `secret_files`, and the service `cliproxyapi` `cliproxyapi_plus`.
enum V1ToV2: ConfigMigration {
    static let target = 2

    static func apply(to root: inout YAMLNode, _ decoder: inout ConfigDecoder) {
        root.renameKey("secrets", to: "secret_files", place: "", &decoder)
        root.update("services") { services in
            guard services.renameKey("cliproxyapi", to: "cliproxyapi_plus", place: "services.", &decoder) else {
                return
            }
            services.updateEach { service in
                service.update("depends_on") { $0.renameReference("cliproxyapi", to: "cliproxyapi_plus") }
            }
        }
    }
}

extension YAMLNode {
    /// Renames a key in place; false when it is not there or the new one is there as well, which is reported.
    @discardableResult
    fileprivate mutating func renameKey(
        _ old: String, to new: String, place: String, _ decoder: inout ConfigDecoder
    ) -> Bool {
        guard var entries, let index = entries.firstIndex(where: { $0.key.scalar?.text == old }) else { return false }
        let span = entries[index].key.span
        if self[new] != nil {
            decoder.report(.renamedTwice(old: place + old, new: place + new), at: span)
            entries.remove(at: index)
            content = .mapping(entries)
            return false
        }
        decoder.report(.renamed(old: place + old, new: place + new), at: span)
        entries[index].key = YAMLNode(.scalar(YAMLScalar(new)), span: span)
        content = .mapping(entries)
        return true
    }

    /// Renames a key of a mapping, or an element of a list, that refers to something renamed.
    fileprivate mutating func renameReference(_ old: String, to new: String) {
        switch content {
        case .scalar: return
        case .sequence(let elements):
            content = .sequence(
                elements.map { $0.scalar?.text == old ? YAMLNode(.scalar(YAMLScalar(new)), span: $0.span) : $0 })
        case .mapping(let entries):
            content = .mapping(
                entries.map { entry in
                    guard entry.key.scalar?.text == old else { return entry }
                    return Entry(key: YAMLNode(.scalar(YAMLScalar(new)), span: entry.key.span), value: entry.value)
                })
        }
    }

    fileprivate mutating func update(_ key: String, _ change: (inout YAMLNode) -> Void) {
        guard var entries, let index = entries.firstIndex(where: { $0.key.scalar?.text == key }) else { return }
        change(&entries[index].value)
        content = .mapping(entries)
    }

    fileprivate mutating func updateEach(_ change: (inout YAMLNode) -> Void) {
        guard var entries else { return }
        for index in entries.indices { change(&entries[index].value) }
        content = .mapping(entries)
    }
}
