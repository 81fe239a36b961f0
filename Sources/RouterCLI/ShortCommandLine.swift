// SPDX-License-Identifier: MIT

/// The commands of every day in their plain form, without options.
///
/// ArgumentParser builds descriptions of the whole command tree before it looks at the first argument, and makes a
/// command's options even where none are given, which costs more than `status` itself (docs/decisions/0002). Everything
/// that is not exactly one of these forms goes there.
package enum ShortCommandLine: Equatable, Sendable {
    case status
    case health
    case profileSet(String)
    case start(String)
    case stop(String)
    case restart(String)

    /// The command that `arguments` ask for; nil when ArgumentParser must read them.
    package init?(_ arguments: [String]) {
        guard arguments.count <= 3, arguments.allSatisfy({ !$0.isEmpty && !$0.hasPrefix("-") }) else { return nil }
        switch (arguments.first, arguments.count) {
        case ("status", 1): self = .status
        case ("health", 1): self = .health
        case ("profile", 3) where arguments[1] == "set": self = .profileSet(arguments[2])
        case ("service", 3) where arguments[1] == "start": self = .start(arguments[2])
        case ("service", 3) where arguments[1] == "stop": self = .stop(arguments[2])
        case ("service", 3) where arguments[1] == "restart": self = .restart(arguments[2])
        default: return nil
        }
    }

    var changesStack: Bool {
        switch self {
        case .status, .health: false
        case .profileSet, .start, .stop, .restart: true
        }
    }

    func run(in context: AppContext) throws -> ExitStatus {
        switch self {
        case .status: try StatusCommand.show(in: context)
        case .health: try HealthCommand.show(in: context)
        case .profileSet(let name): try ProfileSetCommand.set(name, in: context)
        case .start(let name): try ServiceStartCommand.start(name, in: context)
        case .stop(let name): try ServiceStopCommand.stop(name, in: context)
        case .restart(let name): try ServiceRestartCommand.restart(name, in: context)
        }
    }
}
