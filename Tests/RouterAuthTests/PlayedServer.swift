// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterAuth
import SystemIO
import TestSupport
import Transfer

/// A running `stand-in-cliproxy` with a folder and port of its own.
final class PlayedServer: Sendable {
    static let key = "mgmt-key-planted-7f3a"
    static let apiKey = "api-key-planted-19c2"

    let scratch: ScratchFolder
    let port: Int
    let callbackPort: Int
    let release: String
    private let variables: [String: String]

    init(_ release: String = "legacy", _ variables: [String: String] = [:], secret: String = PlayedServer.key) throws {
        scratch = try ScratchFolder()
        port = try FreePort.find()
        callbackPort = try FreePort.find()
        self.release = release
        self.variables = variables
        try scratch.write(
            "config.yaml",
            """
            # written by a test
            host: 127.0.0.1
            port: \(port)
            auth-dir: \(scratch.path("auths"))
            api-keys: [\(PlayedServer.apiKey)]
            remote-management:
              secret-key: "\(secret)" # the server hashes it
            """ + "\n")
    }

    var base: String { "http://127.0.0.1:\(port)" }
    var folder: String { scratch.path("auths") }
    var configPath: String { scratch.path("config.yaml") }

    var environment: [String: String] {
        var all = Program.inherited
        all["STANDIN_PROFILE"] = release
        all["STANDIN_CALLBACK_PORT"] = String(callbackPort)
        for (name, value) in variables { all[name] = value }
        return all
    }

    /// Starts the process and waits until it answers.
    func start() throws -> RunningProgram {
        let program = try Program.built(
            "stand-in-cliproxy", ["-config", configPath], environment: environment, directory: scratch.path
        ).start()
        let isUp = becomesTrue { (try? self.get("/", key: nil).head.status) == 200 }
        guard isUp else { throw SystemError("start the stand-in:\n" + program.output + program.errors, code: 110) }
        return program
    }

    func get(_ path: String, key: String? = PlayedServer.key, fields: [(String, String)] = []) throws
        -> TransferResponse
    {
        try send("GET", path, key: key, fields: fields)
    }

    func send(
        _ method: String, _ path: String, key: String? = PlayedServer.key, fields: [(String, String)] = [],
        body: String? = nil
    ) throws -> TransferResponse {
        try Web.send(method, base + path, bearer: key, fields: fields, body: body)
    }

    func json(_ path: String, key: String? = PlayedServer.key) throws -> JSONValue {
        try JSONParser.parse(try get(path, key: key).body)
    }

    func client(key: String? = PlayedServer.key) -> ManagementClient {
        ManagementClient(
            base: base, key: key.map { Secret($0) }, transport: CurlTransport(settings: TransferSettings()))
    }
}

/// A browser without a window.
enum Web {
    static func send(
        _ method: String, _ url: String, bearer: String? = nil, fields: [(String, String)] = [], body: String? = nil
    ) throws -> TransferResponse {
        var settings = TransferSettings()
        settings.totalTimeout = .seconds(20)
        settings.redirectLimit = 0
        var request = TransferRequest(try TransferURL(url))
        request.method = method
        if let bearer { request.authorization = Secret("Bearer " + bearer) }
        if let body { request.body = Secret(Array(body.utf8)) }
        for (name, value) in fields { request.set(name, value) }
        return try HTTPExchange(settings: settings).send(request)
    }

    static func state(of url: String) -> String? {
        CallbackParameters(url)?.state
    }
}

extension TransferResponse {
    var text: String { String(decoding: body, as: UTF8.self) }
    var json: JSONValue? { try? JSONParser.parse(body) }
}
