// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import RouterControl
internal import RouterServices
internal import RouterSupervisor
internal import SystemIO

extension ServiceStatus {
    /// The service for `--output json`; times are ISO-8601, durations seconds.
    var report: JSONValue {
        var object: JSONObject = [
            "name": .string(name), "running": .bool(pid != nil), "state": .string(phase.rawValue),
            "wanted": .string(wanted.rawValue), "pid": JSONValue(pid.map(Int.init)),
            "ready": isReady.map(JSONValue.bool) ?? .null, "started_at": JSONValue(startedAt?.iso8601),
            "uptime_seconds": uptime.map { .double($0.inSeconds) } ?? .null, "restarts": .integer(restarts),
            "last_exit": lastExit?.report ?? .null, "detail": JSONValue(detail),
            "config_changed": .bool(isSpecChanged), "adopted": .bool(isAdopted),
        ]
        object["readiness"] = readiness?.report ?? .null
        object["liveness"] = liveness?.report ?? .null
        if let resources {
            object["resident_bytes"] = .integer(resources.residentBytes)
            object["cpu_percent"] = .double(resources.processorPercent)
            object["open_files"] = .integer(resources.descriptors)
            object["processes"] = .integer(resources.processes)
        }
        if let listeningPorts { object["ports"] = .array(listeningPorts.map(JSONValue.integer)) }
        return .object(object)
    }
}

extension ExitReport {
    var report: JSONValue {
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
    var report: JSONValue {
        [
            "ok": .bool(isOK), "code": JSONValue(code), "error": JSONValue(error), "detail": JSONValue(detail),
            "url": JSONValue(url), "duration_ms": .double(duration.inSeconds * 1000), "at": .string(at.iso8601),
        ]
    }
}

extension ServiceHealth {
    var report: JSONValue {
        [
            "name": .string(service), "running": .bool(isRunning), "live": .bool(isLive), "ready": .bool(isReady),
            "pid": JSONValue(pid.map(Int.init)), "readiness": readiness?.report ?? .null,
            "liveness": liveness?.report ?? .null, "readiness_url": JSONValue(url),
        ]
    }
}

extension Duration {
    /// To the microsecond.
    fileprivate var inSeconds: Double { Double(wholeNanoseconds / 1000) / 1_000_000 }
}
