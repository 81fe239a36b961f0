// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import GatewayConfig
internal import LLMRouting
internal import SystemIO

extension RoleFile {
    /// What a role doctor finds in the file at `path`, which the operator wrote as `name`.
    static func check(path: String, name: String, role: String?, with doctor: RoleDoctor) -> RoleDoctor.Findings {
        do {
            return doctor.check(try read(path, name: name), role: role)
        } catch {
            switch error {
            case .content(let error): return RoleDoctor.findings(of: error)
            case .missing, .syntax: return RoleDoctor.Findings(errors: ["Config invalid: \(error)"])
            case .unreadable: return RoleDoctor.Findings(errors: ["Unexpected error loading config: \(error)"])
            }
        }
    }
}
