// SPDX-License-Identifier: MIT

internal import CRouterSystem

/// The service manager above us, such as systemd.
package enum ServiceManager {
    /// Tells it `message`, lines of `NAME=value`; never waits and never fails, since it may not be there.
    package static func notify(_ message: String, at socket: String) {
        _ = router_notify_service_manager(socket, message)
    }
}
