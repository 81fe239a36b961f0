// SPDX-License-Identifier: MIT

package import RouterServices

/// In which order services start, and which others each needs.
package struct StartOrder: Equatable, Sendable {
    package enum Problem: Error, Equatable, Sendable {
        /// The services of a circle, each depending on the next, the last on the first.
        case cycle([String])
        case unknownDependency(service: String, dependency: String)
    }

    /// Every service, each after all that it depends on; otherwise in the order given.
    package let names: [String]
    private let dependencies: [String: [String]]

    package init(_ specs: [ServiceSpec]) throws(Problem) {
        var dependencies: [String: [String]] = [:]
        for spec in specs { dependencies[spec.name] = spec.dependencies.map(\.service) }
        for spec in specs {
            for needed in spec.dependencies where dependencies[needed.service] == nil {
                throw .unknownDependency(service: spec.name, dependency: needed.service)
            }
        }
        var search = Search(dependencies: dependencies)
        for spec in specs { try search.visit(spec.name) }
        self.dependencies = dependencies
        names = search.order
    }

    /// The order of `wanted` and of everything that these depend on; what `spec` does not know is no problem before
    /// something depends on it.
    package init(closureOf wanted: [String], _ spec: (String) -> ServiceSpec?) throws(Problem) {
        var found: [String: ServiceSpec] = [:]
        var open = wanted
        while let name = open.popLast() {
            guard found[name] == nil, let spec = spec(name) else { continue }
            found[name] = spec
            open += spec.dependencies.map(\.service)
        }
        try self.init(found.values.sorted { $0.name < $1.name })
    }

    /// `targets` and everything they depend on, in start order.
    package func closure(of targets: some Sequence<String>) -> [String] {
        var wanted: Set<String> = []
        var open = Array(targets)
        while let name = open.popLast() {
            if wanted.insert(name).inserted { open += dependencies[name] ?? [] }
        }
        return names.filter(wanted.contains)
    }

    /// Whether `service` depends on `other`, directly or through others.
    package func depends(_ service: String, on other: String) -> Bool {
        service != other && closure(of: [service]).contains(other)
    }

    /// A depth-first search without recursion limits to fear: a chain is at most as long as the list of services.
    private struct Search {
        let dependencies: [String: [String]]
        var order: [String] = []
        private var done: Set<String> = []

        init(dependencies: [String: [String]]) {
            self.dependencies = dependencies
        }

        mutating func visit(_ root: String) throws(Problem) {
            var path: [String] = []
            var onPath: Set<String> = []
            var stack: [(name: String, next: Int)] = [(root, 0)]
            while let (name, next) = stack.last {
                if next == 0 {
                    if done.contains(name) {
                        stack.removeLast()
                        continue
                    }
                    path.append(name)
                    onPath.insert(name)
                }
                let needed = dependencies[name] ?? []
                if next < needed.count {
                    stack[stack.count - 1].next += 1
                    let child = needed[next]
                    if onPath.contains(child) {
                        throw .cycle(Array(path.drop { $0 != child }))
                    }
                    if !done.contains(child) { stack.append((child, 0)) }
                } else {
                    finish(name)
                    stack.removeLast()
                    path.removeLast()
                    onPath.remove(name)
                }
            }
        }

        private mutating func finish(_ name: String) {
            done.insert(name)
            order.append(name)
        }
    }
}
