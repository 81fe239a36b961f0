// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import RouterServices

/// One of the two places behind a front: the service runs in one, and its successor comes up in the other.
package enum FrontSlot: String, CaseIterable, Sendable {
    case a, b

    package var other: FrontSlot { self == .a ? .b : .a }

    /// How far the slot's port is above the front's.
    fileprivate var offset: Int { self == .a ? 1 : 2 }
}

extension ServiceSection {
    /// The service as it runs in a slot: `litellm-a` on the next port, told so by its arguments and variables.
    package func slot(_ slot: FrontSlot, of name: String) -> Named<ServiceSection> {
        var section = self
        section.front = nil
        if let port {
            let own = String(port + slot.offset)
            section.port = port + slot.offset
            section.command.arguments = command.arguments.map { Self.replacing(String(port), with: own, in: $0) }
            section.environment = environment.map { variable in
                variable.value.reveal() == String(port)
                    ? Named(name: variable.name, span: variable.span, value: Secret(own)) : variable
            }
        }
        return Named(name: "\(name)-\(slot.rawValue)", span: nil, value: section)
    }

    /// `4000`, `--port=4000` and `127.0.0.1:4000` name a port; `14000` does not.
    private static func replacing(_ port: String, with own: String, in argument: String) -> String {
        if argument == port { return own }
        guard argument.hasSuffix("=" + port) || argument.hasSuffix(":" + port) else { return argument }
        return argument.dropLast(port.count) + own
    }
}
