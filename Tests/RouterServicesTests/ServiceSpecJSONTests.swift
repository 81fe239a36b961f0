// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterServices
import Testing

@Suite struct ServiceSpecJSONTests {
    fileprivate static var full: ServiceSpec {
        var spec = ServiceSpec(
            name: "gateway",
            command: ServiceCommand(
                executable: "/usr/bin/x", arguments: ["x", "--a"], directory: "/srv", environment: Secret(["K=v"]),
                inheritedEnvironment: Secret(["PATH=/bin"])),
            log: LogPolicy(path: "/var/x.log"))
        spec.listen = ListenAddress(host: "127.0.0.1", port: 4000)
        spec.dependencies = [ServiceDependency(service: "other", condition: .ready)]
        spec.restart.mode = .onFailure
        spec.restart.jitter = 0.5
        spec.stop.signal = .interrupt
        spec.stop.timeout = .milliseconds(1500)
        var http = HTTPProbe(address: ListenAddress(host: "localhost", port: 1), path: "/health")
        http.bearer = .token(Secret("t"))
        http.headers = ["X: y"]
        http.bodyMatch = "ok"
        http.acceptedStatus = 200...204
        spec.readiness = ProbeSpec(target: .http(http))
        spec.liveness = ProbeSpec(target: .exec(["check", "it"]))
        spec.onProfileSwitch = .reload
        spec.isEssential = true
        return spec
    }

    @Test func `a spec comes back as it went`() throws {
        let back = try ServiceSpec(json: Self.full.json(.full))
        #expect(back == Self.full)
        #expect(back.command.inheritedEnvironment == Self.full.command.inheritedEnvironment)
    }

    @Test func `without secrets only names remain`() throws {
        let json = Self.full.json(.withoutSecrets)
        #expect(json["command"]?["environmentNames"] == ["K"])
        #expect(json["command"]?["environment"] == nil)
        let back = try ServiceSpec(json: json)
        guard case .http(let http) = back.readiness?.target else {
            Issue.record("not an HTTP probe")
            return
        }
        #expect(http.bearer == .missingVariable(HTTPProbe.withheldName))
        #expect(http.headers.isEmpty)
    }

    @Test(arguments: [
        ("name", JSONValue.string("../x")), ("name", .string("")), ("name", .string(".a")), ("name", .integer(1)),
        ("command", .null), ("listen", JSONValue.object(["host": "h", "port": 70000])), ("onProfileSwitch", "explode"),
        ("stop", .array([])),
        ("readiness", JSONValue.object(["target": .object([:])])),
    ])
    func `a wrong field is refused by name`(field: String, value: JSONValue) throws {
        var object = try #require(Self.full.json(.full).objectValue)
        object[field] = value
        #expect { try ServiceSpec(json: .object(object)) } throws: { error in
            (error as? JSONFieldError)?.field.hasPrefix(field == "stop" ? "stop" : field) ?? false
                || (error as? JSONFieldError)?.field == "port" || field == "listen"
        }
    }
}

extension ServiceSpecJSONTests {
    @Test func `what a file holds is what remains without secrets`() throws {
        #expect(try ServiceSpec(json: Self.full.json(.withoutSecrets)) == Self.full.withoutSecrets)
    }
}
