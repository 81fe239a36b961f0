// SPDX-License-Identifier: MIT

package import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The only door to what surrounds the command: its environment, folders, clock and terminal.
package struct AppContext: Sendable {
    package let console: Console
    package let environment: [String: String]
    package let workingDirectory: String
    /// The folder of the running executable; the helpers lie beside it.
    package let executablePath: String
    /// The configuration file, absolute.
    package let configPath: String
    /// As the operator wrote it, for messages.
    package let configName: String

    package init(
        console: Console, environment: [String: String], workingDirectory: String, executablePath: String,
        configPath: String, configName: String
    ) {
        self.console = console
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.executablePath = executablePath
        self.configPath = configPath
        self.configName = configName
    }

    package func now() -> Timestamp { .now() }

    package subscript(key: EnvironmentKey) -> String? {
        guard let value = environment[key.rawValue], !value.isEmpty else { return nil }
        return value
    }

    /// A path of the command line: `~` and relative parts resolved against where the command was called.
    package func resolve(_ path: String) -> String {
        PathName.resolve(PathName.expandingHome(path, home: self[.home]), against: workingDirectory)
    }

    /// An executable that ships beside this one.
    package func helper(_ name: String) -> String {
        PathName.parent(of: executablePath) + "/" + name
    }
}

extension AppContext {
    /// The context of this process.
    package static func live(_ invocation: Invocation) throws(SystemError) -> AppContext {
        let environment = currentEnvironment()
        let directory = try PathName.currentDirectory()
        let name =
            invocation.config ?? environment[EnvironmentKey.config.rawValue].flatMap { $0.isEmpty ? nil : $0 }
            ?? "config/routertool.yaml"
        let expanded = PathName.expandingHome(name, home: environment[EnvironmentKey.home.rawValue])
        return AppContext(
            console: .live(invocation, environment: environment), environment: environment, workingDirectory: directory,
            executablePath: currentExecutable(), configPath: PathName.resolve(expanded, against: directory),
            configName: name)
    }

    private static func currentEnvironment() -> [String: String] {
        var variables: [String: String] = [:]
        var entry: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = environ
        while let pointer = entry.pointee {
            if let equals = strchr(pointer, CInt(UInt8(ascii: "="))) {
                let name = UnsafeRawBufferPointer(start: pointer, count: equals - pointer)
                variables[String(decoding: name, as: UTF8.self)] = String(cString: equals + 1)
            }
            entry += 1
        }
        return variables
    }

    private static func currentExecutable() -> String {
        #if os(Linux)
            let link = "/proc/self/exe"
            let capacity = Int(PATH_MAX)
            let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
                count = buffer.withMemoryRebound(to: CChar.self) { characters in
                    characters.baseAddress.map { max(0, readlink(link, $0, capacity)) } ?? 0
                }
            }
            if !bytes.isEmpty { return String(decoding: bytes, as: UTF8.self) }
        #endif
        return PathName.normalize(CommandLine.arguments[0])
    }
}

extension Console {
    /// The console of this process: colour only for a terminal that has it and an operator who wants it.
    package static func live(_ invocation: Invocation, environment: [String: String]) -> Console {
        let refusesColor =
            invocation.isColorRefused || !(environment[EnvironmentKey.noColor.rawValue] ?? "").isEmpty
            || environment[EnvironmentKey.terminal.rawValue] == "dumb"
        return Console(
            format: invocation.format, isQuiet: invocation.isQuiet, outputIsTerminal: isatty(1) == 1,
            errorIsTerminal: isatty(2) == 1, allowsColor: !refusesColor)
    }
}
