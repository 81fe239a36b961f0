// SPDX-License-Identifier: MIT

/// The commands of every day in their plain form, without options.
///
/// ArgumentParser builds descriptions of the whole command tree before it looks at the first argument, which costs more
/// than `status` itself (docs/decisions/0002). Everything that is not exactly one of these forms goes there.
package enum ShortCommandLine {
    /// The command that `arguments` ask for; nil when ArgumentParser must read them.
    package static func command(_ arguments: [String]) -> (any RouterCommand)? {
        guard arguments.allSatisfy({ !$0.isEmpty && !$0.hasPrefix("-") }) else { return nil }
        switch arguments.first {
        case "status" where arguments.count == 1:
            var command = StatusCommand()
            command.global = .plain
            return command
        case "health" where arguments.count == 1:
            var command = HealthCommand()
            command.global = .plain
            return command
        case "profile" where arguments.count == 3 && arguments[1] == "set":
            var command = ProfileSetCommand()
            command.global = .plain
            command.name = arguments[2]
            return command
        case "service" where arguments.count == 3:
            return service(arguments[1], name: arguments[2])
        default: return nil
        }
    }

    private static func service(_ verb: String, name: String) -> (any RouterCommand)? {
        switch verb {
        case "start":
            var command = ServiceStartCommand()
            command.global = .plain
            command.options = .plain(name)
            return command
        case "stop":
            var command = ServiceStopCommand()
            command.global = .plain
            command.options = .plain(name)
            return command
        case "restart":
            var command = ServiceRestartCommand()
            command.global = .plain
            command.options = .plain(name)
            return command
        default: return nil
        }
    }
}

extension GlobalOptions {
    fileprivate static var plain: GlobalOptions {
        var options = GlobalOptions()
        options.config = nil
        options.output = .text
        options.quiet = false
        options.noColor = false
        return options
    }
}

extension ServiceOptions {
    fileprivate static func plain(_ name: String) -> ServiceOptions {
        var options = ServiceOptions()
        options.name = name
        options.wait = false
        options.timeout = nil
        return options
    }
}
