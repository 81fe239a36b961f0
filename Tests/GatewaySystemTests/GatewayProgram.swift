// SPDX-License-Identifier: MIT

import SystemIO
import TestSupport
import Testing

/// The gateway's executable, as it is shipped, with a config of a test.
struct GatewayProgram {
    let base: String
    private let folder: ScratchFolder
    private let running: RunningProgram

    /// Starts it and waits until it listens.
    init(_ config: (Int) -> String) throws {
        folder = try ScratchFolder()
        let port = try FreePort.find()
        base = "http://127.0.0.1:\(port)"
        let path = folder.path("litellm.yaml")
        try folder.write("litellm.yaml", config(port))
        running = try Program.built("llm-router-gateway", ["serve", "--config", path, "--port", "\(port)"]).start()
        let running = running
        let isReady = becomesTrue { running.errors.contains("listening on") }
        try #require(isReady, "\(running.errors)")
    }

    /// Ends it as a supervisor does.
    func stop() throws {
        running.signal(15)
        let end = try running.finish(limit: .seconds(40))
        #expect(end.code == 0, "\(end.errors)")
    }
}
