// SPDX-License-Identifier: MIT

internal import RouterServices
internal import SystemIO

/// Opens the logs that services write to directly, and keeps them within their size.
final class LogKeeper {
    private let loop: DescriptorLoop
    private let children: ChildWatcher
    private let compressor: ProcessSpec?
    private let compressedSuffix: String
    private var policies: [String: LogPolicy] = [:]

    init(loop: DescriptorLoop, children: ChildWatcher, compressor: ProcessSpec?, compressedSuffix: String) {
        self.loop = loop
        self.children = children
        self.compressor = compressor
        self.compressedSuffix = compressedSuffix
    }

    /// A descriptor for the output of a service: appending, so that nobody's position matters.
    func open(_ policy: LogPolicy, of service: String) throws(SystemError) -> OwnedDescriptor {
        do {
            return try OwnedDescriptor.open(policy.path, [.writeOnly, .append, .create], mode: 0o600)
        } catch {
            if error.isNotFound {
                try PrivateDirectory.create(PathName.parent(of: policy.path))
                return try OwnedDescriptor.open(policy.path, [.writeOnly, .append, .create], mode: 0o600)
            }
            if error.isOutOfResources { throw error }
            // A log that cannot be written must not keep a service from running.
            return try OwnedDescriptor.open("/dev/null", [.writeOnly])
        }
    }

    func keep(_ policy: LogPolicy, of service: String) {
        policies[service] = policy
    }

    func drop(_ service: String) {
        policies[service] = nil
    }
}
