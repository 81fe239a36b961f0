// SPDX-License-Identifier: MIT

import Diagnostics
import RouterControl
import RouterServices
import RouterSupervisor
import SystemIO
import Testing

/// Probes that need TLS or a name look-up go through the program that links both.
@Suite struct RemoteProbeTests {
    private static let searchPath = "/usr/local/bin:/usr/bin:/bin"
    private static let helper = Stack.products + "/llm-router-fetch"

    private static let server = """
        import http.server, ssl, sys
        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                known = self.headers.get('Authorization') == 'Bearer the-key'
                self.send_response(200 if known else 401); self.end_headers(); self.wfile.write(b'models: many')
            def log_message(self, *words): pass
        server = http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain(sys.argv[2], sys.argv[3])
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.serve_forever()
        """

    /// A certificate for `localhost` that nobody has signed; nil without the programs that this takes.
    private static func certificate(in folder: String) throws -> (certificate: String, key: String)? {
        guard let openssl = ChildProcess.locate("openssl", searchPath: searchPath), FileSystem.isExecutable(helper)
        else { return nil }
        let (certificate, key) = (folder + "/certificate.pem", folder + "/key.pem")
        let null = try OwnedDescriptor.open("/dev/null", [.readWrite])
        let made = try ChildProcess.spawn(
            ProcessSpec(
                executable: openssl,
                arguments: [
                    "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "1", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key,
                    "-out", certificate,
                ], environment: ["PATH=\(searchPath)"]),
            input: null.rawValue, output: null.rawValue, error: null.rawValue)
        return try ChildProcess.wait(pid: made.pid).isSuccess ? (certificate, key) : nil
    }

    private func start(
        trusting isTrusted: Bool, _ change: (inout HTTPProbe) -> Void
    ) throws -> (outcome: ServiceOutcome, readiness: ProbeReport?)? {
        let folder = "/tmp/sup-tls-" + String(UInt64.random(in: 0...UInt64.max), radix: 36)
        try PrivateDirectory.create(folder)
        defer { try? FileSystem.removeTree(folder) }
        let python = ChildProcess.locate("python3", searchPath: "/usr/bin:" + Self.searchPath)
        guard let files = try Self.certificate(in: folder), let python else { return nil }
        let stack = try Stack(
            ["--probe-helper", Self.helper]
                + (isTrusted ? ["--helper-variable", "SSL_CERT_FILE=\(files.certificate)"] : []))
        var client = try stack.connect()
        let port = try StartingTests.freePort()
        let spec = stack.spec("a", program: python, ["-c", Self.server, "\(port)", files.certificate, files.key]) {
            var http = HTTPProbe(address: ListenAddress(host: "localhost", port: port), path: "/v1/models")
            http.isTLS = true
            http.bearer = .token(Secret("the-key"))
            change(&http)
            $0.readiness = ProbeSpec(target: .http(http))
            $0.readiness?.timeout = .seconds(5)
            $0.readiness?.startInterval = .milliseconds(50)
        }
        let limit = Duration.seconds(20)
        if isTrusted {
            let outcomes = try client.start([], specs: [spec], wait: .ready, timeout: limit)
            return (try #require(outcomes.first), try stack.status("a").readiness)
        }
        let outcomes = try client.start([], specs: [spec], wait: .started, timeout: limit)
        try expectSoon("the server was asked over TLS") {
            let word = try stack.status("a").readiness?.error
            return word != nil && word != "connection-refused" && word != "refused"
        }
        return (try #require(outcomes.first), try stack.status("a").readiness)
    }

    @Test func `a service behind TLS and a key becomes ready`() throws {
        guard let (outcome, readiness) = try start(trusting: true, { $0.bodyMatch = "many" }) else { return }
        #expect(outcome.result == .started)
        #expect(readiness?.code == 200)
    }

    @Test func `a certificate that nobody vouches for is not accepted`() throws {
        guard let (_, readiness) = try start(trusting: false, { _ in }) else { return }
        #expect(readiness?.error == "tls")
        #expect(readiness?.code == nil)
    }
}
