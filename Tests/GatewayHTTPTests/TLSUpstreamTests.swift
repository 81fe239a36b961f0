// SPDX-License-Identifier: MIT

import GatewayHTTP
import JSONSyntax
import SystemIO
import TestSupport
import Testing

/// Upstreams behind TLS, played by Python's own implementation of it.
@Suite struct TLSUpstreamTests {
    /// Answers by what the request's model asks for; prints its port and a line for each connection.
    private static let server = #"""
        import http.server, json, ssl, sys

        class Answers(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            def setup(self):
                super().setup()
                print("connection", flush=True)
            def log_message(self, *arguments): pass
            def do_POST(self):
                wish = json.loads(self.rfile.read(int(self.headers["content-length"])))
                text = "x" * 300_000 if wish["model"] == "long" else "hello"
                whole = json.dumps({"choices": [{"message": {"content": text}}]}).encode()
                chunk = lambda text: b"data: " + json.dumps({"choices": [{"index": 0, "delta": {"content": text}}]}).encode() + b"\n\n"
                self.send_response(200)
                if wish.get("stream"):
                    self.send_header("content-type", "text/event-stream")
                    self.send_header("transfer-encoding", "chunked")
                    self.end_headers()
                    for piece in [chunk("hel"), chunk("lo"), b"data: [DONE]\n\n", b""]:
                        if wish["model"] == "cut" and piece.startswith(b"data: [DONE]"): return self.cut()
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
                    return
                self.send_header("content-type", "text/html" if wish["model"] == "html" else "application/json")
                if wish["model"] in ("close", "cut"):
                    self.send_header("connection", "close")
                else:
                    self.send_header("content-length", str(len(whole)))
                self.end_headers()
                self.wfile.write(whole)
                if wish["model"] == "cut": self.cut()
                if wish["model"] == "close":
                    self.close_connection = True
                    self.request = self.request.unwrap()
            def cut(self):
                # The connection ends without a word of TLS.
                import socket
                self.close_connection = True
                raw = socket.socket(fileno=self.request.detach())
                raw.shutdown(socket.SHUT_RDWR)
                raw.close()
            def finish(self):
                try: super().finish()
                except (OSError, ValueError): pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(sys.argv[1], sys.argv[2])
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        print("port", server.server_port, flush=True)
        server.serve_forever()
        """#

    private static func withServer(
        isTrusted: Bool = true, _ body: (GatewayUnderTest, RunningProgram) async throws -> Void
    ) async throws {
        let folder = try ScratchFolder()
        let (certificate, key) = (folder.path("certificate.pem"), folder.path("key.pem"))
        let made = try Program(
            "/usr/bin/env",
            [
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "2", "-subj", "/CN=upstream", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key,
                "-out", certificate,
            ]
        ).run()
        try #require(made.code == 0, "\(made)")
        let server = try Program("/usr/bin/env", ["python3", "-u", "-c", server, certificate, key]).start()
        let port: String? = waitUntil(.seconds(30)) {
            server.output.split(separator: "\n").first { $0.hasPrefix("port ") }.map { String($0.dropFirst(5)) }
        }
        let number = try #require(port)
        let models = ["main", "long", "close", "cut", "html"].map { name in
            "  - {model_name: \(name), litellm_params: {model: openai/\(name), "
                + "api_base: \"https://127.0.0.1:\(number)/v1\", api_key: k}}\n"
        }
        let config = "model_list:\n" + models.joined() + "router_settings: {num_retries: 0}\n"
        var policy = GatewayUnderTest.usualPolicy
        policy["breaker"] = ["failures": 100]
        try await withGateway(
            config, policy: policy, loops: 1, extraRoots: isTrusted ? certificate : nil
        ) { try await body($0, server) }
        try server.kill9()
    }

    private static func request(_ model: String, isStream: Bool = false) -> JSONValue {
        ["model": .string(model), "stream": .bool(isStream), "messages": [["role": "user", "content": "hi"]]]
    }

    @Test func `whole answers and streams come over one connection`() async throws {
        try await Self.withServer { gateway, server in
            for _ in 0..<3 {
                let whole = try await gateway.client.post(Self.request("main"))
                #expect(whole.json["choices"]?.arrayValue?.first?["message"]?["content"] == "hello", "\(whole.text)")
                let stream = try await gateway.client.post(Self.request("main", isStream: true))
                #expect(stream.streamedText == "hello")
                #expect(stream.events.last == "[DONE]")
                let long = try await gateway.client.post(Self.request("long"))
                #expect(long.body.count > 300_000)
            }
            #expect(server.output.split(separator: "\n").count { $0 == "connection" } == 1)
        }
    }

    @Test func `a connection that is given up ends without its last word`() async throws {
        try await Self.withServer { gateway, server in
            for _ in 0..<3 {
                // A web page is no answer, whatever follows: nobody reads it to its end.
                let refused = try await gateway.client.post(Self.request("html"))
                #expect(refused.status >= 500)
            }
            let whole = try await gateway.client.post(Self.request("main"))
            #expect(whole.status == 200)
            #expect(server.output.split(separator: "\n").count { $0 == "connection" } == 4)
        }
    }

    @Test func `an answer that ends with its connection is whole only when TLS says so`() async throws {
        try await Self.withServer { gateway, _ in
            let whole = try await gateway.client.post(Self.request("close"))
            #expect(whole.status == 200)
            #expect(whole.json["choices"]?.arrayValue?.first?["message"]?["content"] == "hello")
            let cut = try await gateway.client.post(Self.request("cut"))
            #expect(cut.status >= 500)
            let stream = try await gateway.client.post(Self.request("cut", isStream: true))
            #expect(stream.streamedText == "hello")
            #expect(stream.streamError != nil)
        }
    }

    @Test func `a certificate that nobody vouches for is refused, and said so`() async throws {
        try await Self.withServer(isTrusted: false) { gateway, _ in
            let answer = try await gateway.client.post(Self.request("main"))
            #expect(answer.status >= 500)
            #expect(answer.text.contains("TLS failed"), "\(answer.text)")
        }
    }
}
