// SPDX-License-Identifier: MIT

import RouterExport
import RouterServices
import SystemIO
import TestSupport
import Testing

@Suite struct SystemdExporterTests {
    private static let scopes: [SystemdExporter.Scope] = [.system(user: "root"), .user]

    private func exporter(_ scope: SystemdExporter.Scope) -> SystemdExporter {
        var exporter = SystemdExporter(
            scope: scope, executable: "/bin/true", config: "/srv/my stack/100%/\"routertool\".yaml",
            writablePaths: ["/var/tmp"])
        exporter.environmentFile = "/srv/secrets.env"
        return exporter
    }

    private var specs: [ServiceSpec] {
        (0..<3).map { index in
            var spec = ServiceSpec(
                name: "s\(index)", command: ServiceCommand(executable: "/x", arguments: ["x"], directory: "/"),
                log: LogPolicy(path: "/x.log"))
            spec.stop.timeout = .seconds(20)
            return spec
        }
    }

    @Test(arguments: scopes)
    func `a unit runs the stack and waits for the slowest stop`(scope: SystemdExporter.Scope) throws {
        let file = try #require(exporter(scope).units(for: specs).first)
        #expect(file.name == "llm-router.service")
        let lines = file.text.split(separator: "\n").map(String.init)
        #expect(lines.contains("Type=notify"))
        #expect(lines.contains("TimeoutStopSec=70s"))
        #expect(lines.contains("ExecStart=/bin/true --config \"/srv/my stack/100%%/\\\"routertool\\\".yaml\" run"))
        #expect(lines.contains("User=root") == (scope != .user))
        #expect(lines.contains("WantedBy=default.target") == (scope == .user))
    }

    @Test(arguments: scopes)
    func `systemd accepts it`(scope: SystemdExporter.Scope) throws {
        guard let verifier = ChildProcess.locate("systemd-analyze", searchPath: "/usr/bin:/bin") else { return }
        let folder = "/tmp/sup-unit-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        try PrivateDirectory.create(folder)
        defer { try? FileSystem.removeTree(folder) }
        let file = try #require(exporter(scope).units(for: specs).first)
        try AtomicFile.write(Array(file.text.utf8), to: folder + "/" + file.name, mode: 0o644)
        let arguments =
            ["verify", "--man=no"] + (scope == .user ? ["--user"] : ["--system"]) + [folder + "/" + file.name]
        let result = try Program(
            verifier, arguments, environment: ["XDG_RUNTIME_DIR": folder, "PATH": "/usr/bin:/bin"]
        ).run()
        #expect(result.code == 0, "\(result)")
        #expect(!(result.output + result.errors).contains("llm-router.service:"), "\(result)")
    }
}
