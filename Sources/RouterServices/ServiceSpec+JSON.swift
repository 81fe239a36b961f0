// SPDX-License-Identifier: MIT

internal import Diagnostics
package import JSONSyntax

extension ServiceSpec {
    /// What a written spec may contain.
    package enum Detail: Sendable {
        /// Everything: only for the private socket and for memory.
        case full
        /// No values of variables and no tokens, only names: fit for a file.
        case withoutSecrets
    }

    package func json(_ detail: Detail) -> JSONValue {
        [
            "name": .string(name),
            "origin": .string(origin),
            "command": command.json(detail),
            "listen": listen?.json ?? .null,
            "dependencies": .array(
                dependencies.map { ["service": .string($0.service), "condition": .string($0.condition.rawValue)] }),
            "restart": restart.json,
            "stop": ["signal": .string(stop.signal.rawValue), "timeoutNanoseconds": .duration(stop.timeout)],
            "readiness": readiness?.json(detail) ?? .null,
            "liveness": liveness?.json(detail) ?? .null,
            "log": [
                "path": .string(log.path), "maximumBytes": .integer(log.maximumBytes),
                "keptFiles": .integer(log.keptFiles),
            ],
            "onProfileSwitch": .string(onProfileSwitch.rawValue),
            "isEssential": .bool(isEssential),
        ]
    }

    package init(json: JSONValue) throws(JSONFieldError) {
        let fields = try JSONFields(json)
        let log = try fields.fields("log")
        var policy = LogPolicy(path: try log.string("path"))
        policy.maximumBytes = try log.integer("maximumBytes")
        policy.keptFiles = try log.integer("keptFiles")
        self.init(
            name: try fields.string("name"), command: try ServiceCommand(try fields.fields("command")), log: policy)
        guard Self.isValid(name: name) else {
            throw JSONFieldError(field: "name", expected: "made of letters, digits, `_`, `-` and `.`")
        }
        // A supervisor of an earlier version has not written it.
        origin = try fields.optionalString("origin") ?? name
        if let value = fields.value("listen") { listen = try ListenAddress(JSONFields(value, at: "listen")) }
        for element in try fields.array("dependencies") {
            let entry = try JSONFields(element, at: "dependencies")
            dependencies.append(
                ServiceDependency(service: try entry.string("service"), condition: try entry.word("condition")))
        }
        restart = try RestartPolicy(try fields.fields("restart"))
        let stopFields = try fields.fields("stop")
        stop.signal = try stopFields.word("signal")
        stop.timeout = try stopFields.duration("timeoutNanoseconds")
        if let value = fields.value("readiness") { readiness = try ProbeSpec(JSONFields(value, at: "readiness")) }
        if let value = fields.value("liveness") { liveness = try ProbeSpec(JSONFields(value, at: "liveness")) }
        onProfileSwitch = try fields.word("onProfileSwitch")
        isEssential = try fields.bool("isEssential", default: false)
    }

    /// The same as a file would hold it.
    package var withoutSecrets: ServiceSpec {
        var plain = self
        plain.command.environment = Secret([])
        plain.command.inheritedEnvironment = Secret([])
        plain.readiness = readiness?.withoutSecrets
        plain.liveness = liveness?.withoutSecrets
        return plain
    }

    /// Whether `name` can be part of a file name and of a line of text without harm.
    package static func isValid(name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 100, first != UInt8(ascii: ".") else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
    }
}

extension ServiceCommand {
    fileprivate func json(_ detail: ServiceSpec.Detail) -> JSONValue {
        var object: JSONObject = [
            "executable": .string(executable), "arguments": .strings(arguments), "directory": .string(directory),
        ]
        switch detail {
        case .full:
            object["environment"] = .strings(environment.reveal())
            object["inheritedEnvironment"] = .strings(inheritedEnvironment.reveal())
        case .withoutSecrets:
            object["environmentNames"] = .strings(environmentNames)
        }
        return .object(object)
    }

    /// The names of the variables that the config sets, sorted.
    package var environmentNames: [String] {
        environment.reveal().map { String($0.prefix { $0 != "=" }) }.sorted()
    }

    fileprivate init(_ fields: JSONFields) throws(JSONFieldError) {
        self.init(
            executable: try fields.string("executable"), arguments: try fields.strings("arguments"),
            directory: try fields.string("directory"), environment: Secret(try fields.strings("environment")),
            inheritedEnvironment: Secret(try fields.strings("inheritedEnvironment")))
        guard !arguments.isEmpty else { throw fields.error("arguments", "a list with at least one text") }
    }
}

extension ListenAddress {
    fileprivate var json: JSONValue { ["host": .string(host), "port": .integer(port)] }

    fileprivate init(_ fields: JSONFields) throws(JSONFieldError) {
        self.init(host: try fields.string("host"), port: try fields.integer("port"))
        guard (1...65535).contains(port) else { throw fields.error("port", "from 1 to 65535") }
    }
}

extension RestartPolicy {
    fileprivate var json: JSONValue {
        [
            "mode": .string(mode.rawValue), "initialDelayNanoseconds": .duration(initialDelay),
            "maximumDelayNanoseconds": .duration(maximumDelay), "multiplier": .double(multiplier),
            "jitter": .double(jitter), "stableAfterNanoseconds": .duration(stableAfter),
            "crashLoopLimit": .integer(crashLoopLimit), "crashLoopWindowNanoseconds": .duration(crashLoopWindow),
        ]
    }

    fileprivate init(_ fields: JSONFields) throws(JSONFieldError) {
        self.init()
        mode = try fields.word("mode")
        initialDelay = try fields.duration("initialDelayNanoseconds")
        maximumDelay = try fields.duration("maximumDelayNanoseconds")
        multiplier = try fields.double("multiplier")
        jitter = try fields.double("jitter")
        stableAfter = try fields.duration("stableAfterNanoseconds")
        crashLoopLimit = try fields.integer("crashLoopLimit")
        crashLoopWindow = try fields.duration("crashLoopWindowNanoseconds")
    }
}

extension ProbeSpec {
    fileprivate func json(_ detail: ServiceSpec.Detail) -> JSONValue {
        [
            "target": target.json(detail), "periodNanoseconds": .duration(period),
            "timeoutNanoseconds": .duration(timeout), "startPeriodNanoseconds": .duration(startPeriod),
            "startIntervalNanoseconds": .duration(startInterval), "successThreshold": .integer(successThreshold),
            "failureThreshold": .integer(failureThreshold),
        ]
    }

    fileprivate init(_ fields: JSONFields) throws(JSONFieldError) {
        self.init(target: try ProbeSpec.Target(try fields.fields("target")))
        period = try fields.duration("periodNanoseconds")
        timeout = try fields.duration("timeoutNanoseconds")
        startPeriod = try fields.duration("startPeriodNanoseconds")
        startInterval = try fields.duration("startIntervalNanoseconds")
        successThreshold = try fields.integer("successThreshold")
        failureThreshold = try fields.integer("failureThreshold")
    }
}

extension ProbeSpec.Target {
    fileprivate func json(_ detail: ServiceSpec.Detail) -> JSONValue {
        switch self {
        case .http(let probe): ["http": probe.json(detail)]
        case .tcp(let address): ["tcp": address.json]
        case .exec(let arguments): ["exec": .strings(arguments)]
        }
    }

    fileprivate init(_ fields: JSONFields) throws(JSONFieldError) {
        if fields.value("http") != nil {
            self = .http(try HTTPProbe(try fields.fields("http")))
        } else if fields.value("tcp") != nil {
            self = .tcp(try ListenAddress(try fields.fields("tcp")))
        } else {
            let arguments = try fields.strings("exec")
            guard !arguments.isEmpty else { throw fields.error("exec", "`http`, `tcp` or `exec`") }
            self = .exec(arguments)
        }
    }
}

extension ProbeSpec {
    fileprivate var withoutSecrets: ProbeSpec {
        guard case .http(var http) = target else { return self }
        http.headers = []
        if case .token = http.bearer { http.bearer = .missingVariable(HTTPProbe.withheldName) }
        var plain = self
        plain.target = .http(http)
        return plain
    }
}

extension HTTPProbe {
    fileprivate func json(_ detail: ServiceSpec.Detail) -> JSONValue {
        var object: JSONObject = [
            "isTLS": .bool(isTLS), "address": address.json, "path": .string(path), "headers": .strings([]),
            "acceptedStatus": .array([.integer(acceptedStatus.lowerBound), .integer(acceptedStatus.upperBound)]),
            "bodyMatch": JSONValue(bodyMatch),
        ]
        switch (bearer, detail) {
        case (.none, _): object["bearer"] = .null
        case (.token(let token), .full): object["bearer"] = ["token": .string(token.reveal())]
        case (.token, .withoutSecrets): object["bearer"] = ["withheld": true]
        case (.missingVariable(let name), _): object["bearer"] = ["missingVariable": .string(name)]
        }
        // A header may carry a key, so a file gets none.
        if case .full = detail { object["headers"] = .strings(headers) }
        return .object(object)
    }

    fileprivate init(_ fields: JSONFields) throws(JSONFieldError) {
        self.init(address: try ListenAddress(try fields.fields("address")), path: try fields.string("path"))
        isTLS = try fields.bool("isTLS", default: false)
        headers = try fields.strings("headers")
        bodyMatch = try fields.optionalString("bodyMatch")
        let bounds = try fields.array("acceptedStatus").compactMap(\.integerValue)
        guard bounds.count == 2, bounds[0] <= bounds[1] else { throw fields.error("acceptedStatus", "two numbers") }
        acceptedStatus = bounds[0]...bounds[1]
        guard let value = fields.value("bearer") else { return }
        let bearerFields = try JSONFields(value, at: "bearer")
        if let token = try bearerFields.optionalString("token") {
            bearer = .token(Secret(token))
        } else if let name = try bearerFields.optionalString("missingVariable") {
            bearer = .missingVariable(name)
        } else {
            bearer = .missingVariable(Self.withheldName)
        }
    }

    /// Stands for the variable of a token that a file does not hold.
    package static let withheldName = "(not stored)"
}

extension JSONValue {
    package static func strings(_ texts: [String]) -> JSONValue { .array(texts.map(JSONValue.string)) }

    /// A duration as its whole number of nanoseconds.
    package static func duration(_ duration: Duration) -> JSONValue {
        let (seconds, attoseconds) = duration.components
        // Held at the limit of 64 bits, which is 292 years.
        let (whole, overflow) = Int(seconds).multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carries) = whole.addingReportingOverflow(Int(attoseconds / 1_000_000_000))
        return .integer(overflow || carries ? (seconds < 0 ? .min : .max) : sum)
    }
}
