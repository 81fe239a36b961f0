// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterControl
import RouterServices
import SystemIO
import Testing

@Suite struct ControlMessageTests {
    private static func spec(_ name: String) -> ServiceSpec {
        var spec = ServiceSpec(
            name: name,
            command: ServiceCommand(
                executable: "/bin/true", arguments: ["true"], directory: "/", environment: Secret(["A=1"]),
                inheritedEnvironment: Secret(["PATH=/bin", "HOME=/root"])),
            log: LogPolicy(path: "/tmp/x.log"))
        spec.readiness = ProbeSpec(target: .http(HTTPProbe(address: ListenAddress(host: "::1", port: 1), path: "/")))
        return spec
    }

    @Test(arguments: [
        ControlCommand.start(["a"], wait: .started, timeout: .seconds(1)), .start([], wait: .ready, timeout: .zero),
        .start(["a", "b"], wait: .alive(.milliseconds(300)), timeout: .seconds(9)),
        .restart(["a"], wait: .ready, timeout: .seconds(1)), .stop([]), .stop(["a"]), .status([], []),
        .status(["a"], [.resources, .ports]), .status([], .outline), .apply(dryRun: true), .apply(dryRun: false),
        .upgrade(ProcessSpec(executable: "/x", arguments: ["x", "y"], environment: ["A=b"])),
        .stopSupervisor(leavingServices: true), .stopSupervisor(leavingServices: false),
    ])
    func `a request comes back as it went`(command: ControlCommand) throws {
        let request = ControlRequest(id: 7, command: command, specs: [Self.spec("a"), Self.spec("b")])
        let back = try ControlRequest(json: try JSONParser.parse(JSONWriter.bytes(of: request.json)))
        #expect(back == request)
        #expect(back.specs[1].command.inheritedEnvironment == request.specs[1].command.inheritedEnvironment)
    }

    @Test func `an answer comes back as it went`() throws {
        var status = ServiceStatus(name: "a", phase: .backoff, wanted: .running)
        status.pid = 12
        status.isReady = false
        status.startedAt = Timestamp(nanoseconds: 5)
        status.uptime = .seconds(3)
        status.lastExit = ExitReport(
            status: .signal(9, dumpedCore: false), at: Timestamp(nanoseconds: 9), outOfMemory: true)
        status.readiness = ProbeReport(isOK: false, code: 503, error: "unavailable", at: Timestamp(nanoseconds: 1))
        status.resources = ResourceUsage(residentBytes: 1, processorPercent: 2.5, descriptors: 3, processes: 4)
        status.listeningPorts = [1, 2]
        let bodies: [ControlResponse.Body] = [
            .status(
                SupervisorStatus(
                    pid: 1, startedAt: Timestamp(nanoseconds: 3), isForeground: true, degraded: ["x"],
                    services: [status])),
            .outcomes([ServiceOutcome(service: "a", result: .failed, pid: 3, detail: "d", lastLines: ["1", "2"])]),
            .plan([PlannedChange(service: "a", action: .restart, reasons: ["env.X"])], []), .accepted(pid: 4),
            .failure(code: "a/b", message: "m", hints: ["h"]), .outcomes([]),
        ]
        for body in bodies {
            let response = ControlResponse(id: 3, body: body, lacksSpecs: true)
            #expect(try ControlResponse(json: try JSONParser.parse(JSONWriter.bytes(of: response.json))) == response)
        }
    }

    @Test func `an outline holds names, states and pids and nothing else`() throws {
        var service = ServiceStatus(name: "a", phase: .running, wanted: .running)
        service.pid = 12
        var status = SupervisorStatus(
            pid: 1, startedAt: Timestamp(nanoseconds: 3), isForeground: true, degraded: ["x"], services: [service])
        status.isOutline = true
        let json = ControlResponse(id: 3, body: .status(status)).json
        #expect(json["status"]?["services"] == [["name": "a", "state": "running", "wanted": "running", "pid": 12]])
        #expect(try ControlResponse(json: json).body == .status(status))
        status.services[0].restarts = 4
        status.isOutline = false
        #expect(try ControlResponse(json: ControlResponse(id: 3, body: .status(status)).json).body == .status(status))
    }

    @Test func `a record holds no value of a variable and no token`() throws {
        var spec = Self.spec("a")
        spec.command.environment = Secret(["KEY=planted-1"])
        spec.command.inheritedEnvironment = Secret(["HOME=planted-2"])
        var http = HTTPProbe(address: ListenAddress(host: "127.0.0.1", port: 80), path: "/")
        http.bearer = .token(Secret("planted-3"))
        http.headers = ["X-Key: planted-4"]
        spec.readiness = ProbeSpec(target: .http(http))
        var record = ServiceRecord(spec: spec, wanted: .running)
        record.identity = ProcessIdentity(pid: 4, startTicks: 5, bootID: "b")
        record.instance = 3
        let text = JSONWriter.text(of: record.json)
        #expect(!text.contains("planted"))
        #expect(text.contains("KEY"))
        let back = try ServiceRecord(json: try JSONParser.parse(Array(text.utf8)))
        #expect(back.identity == record.identity)
        #expect(back.environmentNames == ["KEY"])
    }
}

@Suite struct LineFramerTests {
    @Test func `lines come out whole however they arrive`() throws {
        var framer = LineFramer()
        var lines: [[UInt8]] = []
        for byte in Array("ab\n\nc\nd".utf8) {
            framer.append([byte])
            while let line = try framer.next() { lines.append(line) }
        }
        #expect(lines == [Array("ab".utf8), [], Array("c".utf8)])
        #expect(framer.isMidLine)
    }

    @Test func `a line over the limit is refused with and without its end`() {
        var endless = LineFramer(limit: 4)
        endless.append(Array("abcde".utf8))
        #expect(throws: LineFramer.TooLong.self) { try endless.next() }
        var whole = LineFramer(limit: 4)
        whole.append(Array("abcde\n".utf8))
        #expect(throws: LineFramer.TooLong.self) { try whole.next() }
        var fits = LineFramer(limit: 4)
        fits.append(Array("abcd\n".utf8))
        #expect(throws: Never.self) { try fits.next() }
    }
}
