// SPDX-License-Identifier: MIT

package import JSONSyntax
internal import RouterServices
internal import SystemIO

// What `--output json` shows: names with underscores, times in ISO-8601, durations in seconds. The protocol's own form is
// `json`.

extension ExitReport {
    package var report: JSONValue {
        var object: JSONObject = ["words": .string(words), "at": .string(at.iso8601)]
        switch status {
        case .code(let code): object["code"] = .integer(Int(code))
        case .signal(let number, let dumpedCore):
            object["signal"] = .string(SignalNumber.name(number))
            object["core_dumped"] = .bool(dumpedCore)
        case .unknown: break
        }
        object["out_of_memory"] = .bool(outOfMemory)
        object["requested"] = .bool(wasRequested)
        return .object(object)
    }
}

extension ProbeReport {
    package var report: JSONValue {
        [
            "ok": .bool(isOK), "code": JSONValue(code), "error": JSONValue(error), "detail": JSONValue(detail),
            "url": JSONValue(url), "milliseconds": .integer(Int(duration.wholeMilliseconds)), "at": .string(at.iso8601),
        ]
    }
}

extension ServiceStatus {
    package var report: JSONValue {
        var object: JSONObject = [
            "name": .string(name), "state": .string(phase.rawValue), "wanted": .string(wanted.rawValue),
            "pid": JSONValue(pid.map(Int.init)), "ready": isReady.map(JSONValue.bool) ?? .null,
            "started_at": JSONValue(startedAt?.iso8601),
            "uptime_seconds": uptime.map { .double(Double($0.wholeMilliseconds) / 1000) } ?? .null,
            "restarts": .integer(restarts), "last_exit": lastExit?.report ?? .null, "detail": JSONValue(detail),
            "spec_changed": .bool(isSpecChanged), "adopted": .bool(isAdopted),
            "readiness": readiness?.report ?? .null, "liveness": liveness?.report ?? .null,
        ]
        object["resources"] =
            resources.map {
                [
                    "resident_bytes": .integer($0.residentBytes), "cpu_percent": .double($0.processorPercent),
                    "descriptors": .integer($0.descriptors), "processes": .integer($0.processes),
                ]
            } ?? .null
        object["ports"] = listeningPorts.map { .array($0.map(JSONValue.integer)) } ?? .null
        return .object(object)
    }
}

extension SupervisorStatus {
    package var report: JSONValue {
        [
            "pid": .integer(Int(pid)), "started_at": .string(startedAt.iso8601), "foreground": .bool(isForeground),
            "degraded": .strings(degraded), "services": .array(services.map(\.report)),
        ]
    }
}

extension ServiceOutcome {
    package var report: JSONValue {
        [
            "service": .string(service), "result": .string(result.rawValue), "pid": JSONValue(pid.map(Int.init)),
            "detail": JSONValue(detail), "last_lines": .strings(lastLines),
        ]
    }
}
