// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterControl
import RouterEvents
import RouterServices
import RouterSupervisor
import SystemIO
import Testing

/// A runtime folder of its own with a real supervisor, real processes and a clean end.
final class Stack: Sendable {
    let folder: String
    let layout: RuntimeLayout
    let supervisorArguments: [String]
    private let isBorrowed: Bool
    /// Where the folder is, when that is to be filled.
    let disk: SmallDisk?

    /// The folder of the built products: the one this test runs from.
    static let products: String = {
        let executable = FileSystem.linkTarget("/proc/self/exe") ?? "."
        let folder = PathName.parent(of: executable)
        if FileSystem.exists(folder + "/stand-in-supervisor") { return folder }
        // `swift test` may run a helper of the toolchain; the bundle's own path is in the arguments.
        let bundle = CommandLine.arguments.first { $0.contains(".xctest") } ?? ""
        return PathName.parent(of: bundle)
    }()

    static var service: String { products + "/stand-in-service" }

    init(_ supervisorArguments: [String] = [], in parent: String = "/tmp", on disk: SmallDisk? = nil) throws {
        self.disk = disk
        folder = (disk?.folder ?? parent) + "/sup-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        layout = RuntimeLayout(runtimeDirectory: folder)
        self.supervisorArguments = supervisorArguments
        isBorrowed = false
        try PrivateDirectory.create(folder)
    }

    /// The same folder with an ordinary supervisor; the other one cleans up.
    init(adopting other: Stack, _ supervisorArguments: [String] = []) throws {
        disk = nil
        folder = other.folder
        layout = other.layout
        self.supervisorArguments = supervisorArguments
        isBorrowed = true
    }

    deinit {
        guard !isBorrowed else { return }
        if let pid = supervisorPID { ProcessControl.send(SignalNumber.kill, to: pid) }
        for pid in livePIDs() { ProcessControl.send(SignalNumber.kill, to: pid) }

        try? FileSystem.removeTree(folder)
    }

    // MARK: - Supervisor

    var command: ProcessSpec {
        let program = Self.products + "/stand-in-supervisor"
        return ProcessSpec(
            executable: program, arguments: [program, folder] + supervisorArguments,
            environment: ["PATH=/usr/local/bin:/usr/bin:/bin"])
    }

    /// Connects, starting a supervisor where none is.
    func connect() throws -> ControlClient {
        try SupervisorLauncher.connect(layout, command: command, timeout: .seconds(20))
    }

    /// Does `body` with a connection, as a command does.
    func ask<Result>(_ body: (inout ControlClient) throws(ControlError) -> Result) throws -> Result {
        try SupervisorLauncher.withClient(layout, command: command, timeout: .seconds(20), body)
    }

    /// Connects to the supervisor that must be there.
    func reconnect() throws -> ControlClient {
        guard let client = try ControlClient.connect(layout) else { throw ControlError.closed }
        return client
    }

    var supervisorPID: Int32? {
        guard var client = try? ControlClient.connect(layout) else { return nil }
        return (try? client.status())?.pid
    }

    /// Kills the supervisor as nothing else would, and waits until it is gone.
    func killSupervisor() throws {
        let pid = try #require(supervisorPID)
        ProcessControl.send(SignalNumber.kill, to: pid)
        try expectSoon("the supervisor is gone") {
            _ = try? ChildProcess.reap(pid: pid)
            return ProcessIdentity.of(pid: pid) == nil
        }
    }

    // MARK: - Specs

    func spec(_ name: String, _ flags: [String] = [], _ change: (inout ServiceSpec) -> Void = { _ in }) -> ServiceSpec {
        spec(name, program: Self.service, flags, change)
    }

    func spec(
        _ name: String, program: String, _ arguments: [String], _ change: (inout ServiceSpec) -> Void = { _ in }
    ) -> ServiceSpec {
        var spec = ServiceSpec(
            name: name,
            command: ServiceCommand(
                executable: program, arguments: [program] + arguments, directory: "/",
                environment: Secret(["SERVICE_KEY=secret-of-\(name)"]),
                inheritedEnvironment: Secret(["PATH=/usr/local/bin:/usr/bin:/bin"])),
            log: LogPolicy(path: folder + "/process-logs/\(name).log"))
        spec.stop.timeout = .seconds(2)
        change(&spec)
        return spec
    }

    // MARK: - Looking

    /// Processes that carry this stack's mark.
    func livePIDs(of service: String? = nil) -> [Int32] {
        ProcessRecord.all().filter { record in
            guard !record.hasEnded,
                let bytes = try? FileSystem.readStream("/proc/\(record.pid)/environ", limit: 1 << 20)
            else { return false }
            let variables = Set(bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) })
            guard variables.contains("\(ServiceMark.stack)=\(layout.stackMark)") else { return false }
            return service.map { variables.contains("\(ServiceMark.service)=\($0)") } ?? true
        }.map(\.pid)
    }

    func events() -> [JSONValue] {
        guard let bytes = try? FileSystem.read(layout.eventsPath, limit: 64 << 20) else { return [] }
        return bytes.split(separator: UInt8(ascii: "\n")).compactMap { try? JSONParser.parse(Array($0)) }
    }

    func events(_ name: Event.Name, _ service: String? = nil) -> [JSONValue] {
        events().filter { event in
            event["event"]?.stringValue == name.rawValue
                && (service == nil || event["service"]?.stringValue == service)
        }
    }

    func status(_ name: String) throws -> ServiceStatus {
        var client = try reconnect()
        return try #require(try client.status([name]).services.first)
    }
}

/// Looks until `condition` holds, or fails after a bounded time.
func expectSoon(
    _ what: Comment, within limit: Duration = .seconds(15), sourceLocation: SourceLocation = #_sourceLocation,
    _ condition: () throws -> Bool
) throws {
    let deadline = MonotonicTime.now() + limit
    while MonotonicTime.now() < deadline {
        if try condition() { return }
        ProcessControl.pause(.milliseconds(5))
    }
    Issue.record(what, sourceLocation: sourceLocation)
    throw Timeout()
}

struct Timeout: Error {}
