// SPDX-License-Identifier: MIT

package import JSONSyntax
package import RouterServices
internal import SystemIO

extension ExitReport {
    package var json: JSONValue {
        var object: JSONObject = ["words": .string(words), "at": .string(at.iso8601)]
        switch status {
        case .code(let code): object["code"] = .integer(Int(code))
        case .signal(let number, let dumpedCore):
            object["signal"] = .integer(Int(number))
            object["core"] = .bool(dumpedCore)
        case .unknown: object["unknown"] = true
        }
        object["outOfMemory"] = .bool(outOfMemory)
        object["requested"] = .bool(wasRequested)
        object["atNanoseconds"] = .integer(Int(at.nanoseconds))
        return .object(object)
    }

    package init(json: JSONValue) throws(JSONFieldError) {
        let fields = try JSONFields(json, at: "lastExit")
        let status: ExitStatus
        if let code = try fields.optionalInteger("code") {
            status = .code(Int32(truncatingIfNeeded: code))
        } else if let number = try fields.optionalInteger("signal") {
            status = .signal(
                Int32(truncatingIfNeeded: number), dumpedCore: try fields.bool("core", default: false))
        } else {
            status = .unknown
        }
        self.init(
            status: status, at: Timestamp(nanoseconds: Int64(try fields.integer("atNanoseconds"))),
            wasRequested: try fields.bool("requested", default: false),
            outOfMemory: try fields.bool("outOfMemory", default: false))
    }
}

extension ProbeReport {
    package var json: JSONValue {
        [
            "ok": .bool(isOK), "code": JSONValue(code), "error": JSONValue(error), "detail": JSONValue(detail),
            "url": JSONValue(url), "durationNanoseconds": .duration(duration), "at": .string(at.iso8601),
            "atNanoseconds": .integer(Int(at.nanoseconds)),
        ]
    }

    package init(json: JSONValue) throws(JSONFieldError) {
        let fields = try JSONFields(json, at: "probe")
        self.init(
            isOK: try fields.bool("ok", default: false), code: try fields.optionalInteger("code"),
            error: try fields.optionalString("error"), detail: try fields.optionalString("detail"),
            url: try fields.optionalString("url"), duration: try fields.duration("durationNanoseconds"),
            at: Timestamp(nanoseconds: Int64(try fields.integer("atNanoseconds"))))
    }
}

extension ResourceUsage {
    package var json: JSONValue {
        [
            "residentBytes": .integer(residentBytes), "processorPercent": .double(processorPercent),
            "descriptors": .integer(descriptors), "processes": .integer(processes),
        ]
    }

    package init(json: JSONValue) throws(JSONFieldError) {
        let fields = try JSONFields(json, at: "resources")
        self.init(
            residentBytes: try fields.integer("residentBytes"),
            processorPercent: try fields.double("processorPercent"),
            descriptors: try fields.integer("descriptors"), processes: try fields.integer("processes"))
    }
}

extension ServiceStatus {
    package var json: JSONValue {
        [
            "name": .string(name), "state": .string(phase.rawValue), "wanted": .string(wanted.rawValue),
            "pid": JSONValue(pid.map(Int.init)), "ready": isReady.map(JSONValue.bool) ?? .null,
            "startedAt": JSONValue(startedAt?.iso8601),
            "startedAtNanoseconds": JSONValue(startedAt.map { Int($0.nanoseconds) }),
            "uptimeNanoseconds": uptime.map(JSONValue.duration) ?? .null, "restarts": .integer(restarts),
            "lastExit": lastExit?.json ?? .null, "detail": JSONValue(detail), "specChanged": .bool(isSpecChanged),
            "adopted": .bool(isAdopted), "readiness": readiness?.json ?? .null, "liveness": liveness?.json ?? .null,
            "resources": resources?.json ?? .null,
            "ports": listeningPorts.map { .array($0.map(JSONValue.integer)) } ?? .null,
        ]
    }

    fileprivate var outline: JSONValue {
        [
            "name": .string(name), "state": .string(phase.rawValue), "wanted": .string(wanted.rawValue),
            "pid": JSONValue(pid.map(Int.init)),
        ]
    }

    package init(json: JSONValue) throws(JSONFieldError) {
        let fields = try JSONFields(json, at: "service")
        self.init(
            name: try fields.string("name"), phase: try fields.word("state"), wanted: try fields.word("wanted"))
        pid = try fields.optionalInteger("pid").map { Int32(truncatingIfNeeded: $0) }
        isReady = fields.value("ready")?.boolValue
        startedAt = try fields.optionalInteger("startedAtNanoseconds").map { Timestamp(nanoseconds: Int64($0)) }
        uptime = try fields.optionalInteger("uptimeNanoseconds").map { .nanoseconds(Int64($0)) }
        restarts = try fields.optionalInteger("restarts") ?? 0
        if let value = fields.value("lastExit") { lastExit = try ExitReport(json: value) }
        detail = try fields.optionalString("detail")
        isSpecChanged = try fields.bool("specChanged", default: false)
        isAdopted = try fields.bool("adopted", default: false)
        if let value = fields.value("readiness") { readiness = try ProbeReport(json: value) }
        if let value = fields.value("liveness") { liveness = try ProbeReport(json: value) }
        if let value = fields.value("resources") { resources = try ResourceUsage(json: value) }
        listeningPorts = fields.value("ports")?.arrayValue?.compactMap(\.integerValue)
    }
}

extension SupervisorStatus {
    package var json: JSONValue {
        [
            "pid": .integer(Int(pid)), "startedAt": .string(startedAt.iso8601),
            "startedAtNanoseconds": .integer(Int(startedAt.nanoseconds)), "foreground": .bool(isForeground),
            "degraded": .strings(degraded), "outline": .bool(isOutline),
            "services": .array(services.map(isOutline ? \.outline : \.json)),
        ]
    }

    package init(json: JSONValue) throws(JSONFieldError) {
        let fields = try JSONFields(json, at: "status")
        var services: [ServiceStatus] = []
        for value in try fields.array("services") { services.append(try ServiceStatus(json: value)) }
        self.init(
            pid: Int32(truncatingIfNeeded: try fields.integer("pid")),
            startedAt: Timestamp(nanoseconds: Int64(try fields.integer("startedAtNanoseconds"))),
            isForeground: try fields.bool("foreground", default: false), degraded: try fields.strings("degraded"),
            services: services)
        isOutline = try fields.bool("outline", default: false)
    }
}
