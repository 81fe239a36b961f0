// SPDX-License-Identifier: MIT

internal import Diagnostics
package import JSONSyntax
package import RouterServices
internal import SystemIO

extension ControlRequest {
    package var json: JSONValue {
        var object: JSONObject = ["schema": 1, "id": .integer(id)]
        for (name, value) in command.members.members { object[name] = value }
        guard !specs.isEmpty else { return .object(object) }
        // All specs of one sender inherit the same environment, so it is sent once.
        let shared = specs[0].command.inheritedEnvironment
        object["inheritedEnvironment"] = .strings(shared.reveal())
        object["specs"] = .array(
            specs.map { spec in
                var plain = spec
                if plain.command.inheritedEnvironment == shared { plain.command.inheritedEnvironment = Secret([]) }
                return plain.json(.full)
            })
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONFieldError) {
        let fields = try JSONFields(json)
        let shared = Secret(try fields.strings("inheritedEnvironment"))
        var specs: [ServiceSpec] = []
        for value in try fields.array("specs") {
            var spec = try ServiceSpec(json: value)
            if spec.command.inheritedEnvironment.reveal().isEmpty { spec.command.inheritedEnvironment = shared }
            specs.append(spec)
        }
        self.init(id: try fields.integer("id"), command: try ControlCommand(fields), specs: specs)
    }
}

private enum CommandWord: String, CaseIterable {
    case start, restart, stop, reload, status, apply, upgrade
    case stopSupervisor = "stop-supervisor"
}

extension ControlCommand {
    fileprivate var members: JSONObject {
        switch self {
        case .start(let names, let wait, let timeout):
            [
                "command": "start", "services": .strings(names), "wait": wait.json,
                "timeoutNanoseconds": .duration(timeout),
            ]
        case .restart(let names, let wait, let timeout):
            [
                "command": "restart", "services": .strings(names), "wait": wait.json,
                "timeoutNanoseconds": .duration(timeout),
            ]
        case .stop(let names): ["command": "stop", "services": .strings(names)]
        case .reload(let names): ["command": "reload", "services": .strings(names)]
        case .status(let names, let detail):
            [
                "command": "status", "services": .strings(names), "resources": .bool(detail.contains(.resources)),
                "ports": .bool(detail.contains(.ports)), "outline": .bool(detail.contains(.outline)),
            ]
        case .apply(let dryRun): ["command": "apply", "dryRun": .bool(dryRun)]
        case .upgrade(let program):
            [
                "command": "upgrade", "executable": .string(program.executable),
                "arguments": .strings(program.arguments), "environment": .strings(program.environment),
            ]
        case .stopSupervisor(let leaving): ["command": "stop-supervisor", "leavingServices": .bool(leaving)]
        }
    }

    fileprivate init(_ fields: JSONFields) throws(JSONFieldError) {
        let names = try fields.strings("services")
        switch try fields.word("command", CommandWord.self) {
        case .start:
            self = .start(names, wait: try Wait(fields), timeout: try fields.duration("timeoutNanoseconds"))
        case .restart:
            self = .restart(names, wait: try Wait(fields), timeout: try fields.duration("timeoutNanoseconds"))
        case .stop: self = .stop(names)
        case .reload: self = .reload(names)
        case .status:
            var detail: StatusDetail = []
            if try fields.bool("resources", default: false) { detail.insert(.resources) }
            if try fields.bool("ports", default: false) { detail.insert(.ports) }
            if try fields.bool("outline", default: false) { detail.insert(.outline) }
            self = .status(names, detail)
        case .apply: self = .apply(dryRun: try fields.bool("dryRun", default: false))
        case .upgrade:
            self = .upgrade(
                ProcessSpec(
                    executable: try fields.string("executable"), arguments: try fields.strings("arguments"),
                    environment: try fields.strings("environment")))
        case .stopSupervisor:
            self = .stopSupervisor(leavingServices: try fields.bool("leavingServices", default: false))
        }
    }
}

extension ControlCommand.Wait {
    private enum Word: String, CaseIterable {
        case started, alive, ready
    }

    fileprivate var json: JSONValue {
        switch self {
        case .started: "started"
        case .alive(let duration): ["alive": .duration(duration)]
        case .ready: "ready"
        }
    }

    fileprivate init(_ fields: JSONFields) throws(JSONFieldError) {
        if let nanoseconds = fields.value("wait")?["alive"]?.integerValue {
            self = .alive(.nanoseconds(Int64(nanoseconds)))
            return
        }
        switch try fields.word("wait", Word.self) {
        case .started: self = .started
        case .alive: self = .alive(.milliseconds(500))
        case .ready: self = .ready
        }
    }
}

extension ServiceOutcome {
    package var json: JSONValue {
        [
            "service": .string(service), "result": .string(result.rawValue), "pid": JSONValue(pid.map(Int.init)),
            "detail": JSONValue(detail), "lastLines": .strings(lastLines),
        ]
    }

    package init(json: JSONValue) throws(JSONFieldError) {
        let fields = try JSONFields(json, at: "outcome")
        self.init(
            service: try fields.string("service"), result: try fields.word("result"),
            pid: try fields.optionalInteger("pid").map { Int32(truncatingIfNeeded: $0) },
            detail: try fields.optionalString("detail"), lastLines: try fields.strings("lastLines"))
    }
}

extension PlannedChange {
    package var json: JSONValue {
        ["service": .string(service), "action": .string(action.rawValue), "reasons": .strings(reasons)]
    }

    package init(json: JSONValue) throws(JSONFieldError) {
        let fields = try JSONFields(json, at: "change")
        self.init(
            service: try fields.string("service"), action: try fields.word("action"),
            reasons: try fields.strings("reasons"))
    }
}

extension ControlResponse {
    package var json: JSONValue {
        var object: JSONObject = ["id": .integer(id)]
        if lacksSpecs { object["lacksSpecs"] = true }
        switch body {
        case .outcomes(let outcomes): object["outcomes"] = .array(outcomes.map(\.json))
        case .status(let status): object["status"] = status.json
        case .plan(let changes, let outcomes):
            object["plan"] = .array(changes.map(\.json))
            object["outcomes"] = .array(outcomes.map(\.json))
        case .accepted(let pid): object["accepted"] = .integer(Int(pid))
        case .failure(let code, let message, let hints):
            object["error"] = ["code": .string(code), "message": .string(message), "hints": .strings(hints)]
        }
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONFieldError) {
        let fields = try JSONFields(json)
        id = try fields.integer("id")
        lacksSpecs = try fields.bool("lacksSpecs", default: false)
        var outcomes: [ServiceOutcome] = []
        for value in try fields.array("outcomes") { outcomes.append(try ServiceOutcome(json: value)) }
        if let value = fields.value("status") {
            body = .status(try SupervisorStatus(json: value))
        } else if fields.value("plan") != nil {
            var changes: [PlannedChange] = []
            for value in try fields.array("plan") { changes.append(try PlannedChange(json: value)) }
            body = .plan(changes, outcomes)
        } else if fields.value("outcomes") != nil {
            body = .outcomes(outcomes)
        } else if let pid = try fields.optionalInteger("accepted") {
            body = .accepted(pid: Int32(truncatingIfNeeded: pid))
        } else {
            let error = try fields.fields("error")
            body = .failure(
                code: try error.string("code"), message: try error.string("message"),
                hints: try error.strings("hints"))
        }
    }
}
