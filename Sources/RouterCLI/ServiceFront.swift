// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import RouterConfig
internal import RouterServices
internal import SystemIO

/// What a `front: embedded` makes of one service: a process that holds the port, and two slots behind it.
///
/// The target file is the only state: it names the slot that requests go to, and the front reads it anew when it changes.
struct ServiceFront {
    let service: String
    let section: ServiceSection
    private let runtimeDirectory: String

    init?(_ service: Named<ServiceSection>, runtimeDirectory: String) {
        guard service.value.front != nil else { return nil }
        self.service = service.name
        section = service.value
        self.runtimeDirectory = runtimeDirectory
    }

    var targetFile: String { "\(runtimeDirectory)/front-\(service).json" }

    /// Held by whoever changes what is behind the front.
    var lockFile: String { "\(runtimeDirectory)/front-\(service).lock" }

    /// The slot that requests go to.
    var active: FrontSlot { target?["slot"]?.stringValue.flatMap(FrontSlot.init) ?? .a }

    /// Whether the target names a slot and its port.
    var hasTarget: Bool {
        target?["slot"]?.stringValue.flatMap(FrontSlot.init) != nil && target?["port"]?.integerValue != nil
    }

    private var target: JSONValue? {
        (try? FileSystem.read(targetFile, limit: 4096)).flatMap { try? JSONParser.parse($0) }
    }

    /// Sends requests to `slot` from now on.
    func activate(_ slot: FrontSlot) throws(SystemError) {
        let target: JSONValue = [
            "schema": 1, "slot": .string(slot.rawValue), "host": .string(ListenAddress.reachableHost(section.host)),
            "port": JSONValue(running(slot).value.port),
        ]
        try AtomicFile.write(JSONWriter.bytes(of: target), to: targetFile, mode: 0o600)
    }

    /// The service as it runs in `slot`.
    func running(_ slot: FrontSlot) -> Named<ServiceSection> { section.slot(slot, of: service) }

    /// The front itself, in the service's place.
    func holder(gateway: String) -> Named<ServiceSection> {
        var holder = section
        holder.front = nil
        holder.command.directory = nil
        holder.command.arguments = [
            gateway, "front", "--target", targetFile, "--host", section.host ?? "127.0.0.1", "--port",
            String(section.port ?? 0),
        ]
        // The slots wait for what the service depends on; the front holds the port from the first moment on.
        holder.dependencies = []
        holder.liveness = nil
        holder.onProfileSwitch = ProfileSwitchAction.none
        return Named(name: service, span: nil, value: holder)
    }
}
