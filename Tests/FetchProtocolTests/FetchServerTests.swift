// SPDX-License-Identifier: MIT

import Diagnostics
import FetchProtocol
import JSONSyntax
import SystemIO
import TestSupport
import Testing

/// The helper's side, in this process, over a pair of descriptors.
struct FetchServerTests {
    /// Serves one request whose pipe stays open; returns the exit code and the lines of the answer.
    private func serve(_ line: [UInt8], _ handlers: [FetchHandler]) throws -> (code: Int32, messages: [FetchMessage]) {
        var requests = try DescriptorPair.sockets()
        var answers = try DescriptorPair.pipe()
        // The watching thread reads on after the test, so these two stay open with the process.
        let command = requests.takeWriteEnd().release()
        let input = requests.takeReadEnd().release()
        try OwnedDescriptor.writeAll(line, to: command)
        let code: Int32
        do {
            let output = answers.takeWriteEnd()
            code = FetchServer(handlers: handlers).serve(input: input, output: output.rawValue)
        }
        var buffer = FetchLineBuffer()
        let reading = answers.takeReadEnd()
        while case let chunk = try reading.read(upTo: 4096), !chunk.isEmpty { buffer.append(chunk) }
        var messages: [FetchMessage] = []
        while let line = try buffer.next() { messages.append(try FetchLine.decode(line)) }
        return (code, messages)
    }

    private let request = ListArtifactsRequest(runtimeDirectory: "/r")

    @Test func `a handler's updates and answer are sent`() throws {
        let handler = FetchHandler(ListArtifactsRequest.self) { request, channel in
            channel.progress("item", "step", request.runtimeDirectory, doneBytes: 1)
            return ArtifactList([])
        }
        let result = try serve(FetchLine.encode(request), [handler])
        let progress = FetchProgress(item: "item", step: "step", detail: "/r", doneBytes: 1)
        #expect(result.code == 0)
        #expect(result.messages == [.update(.progress(progress)), .result(["artifacts": []])])
    }

    @Test func `a handler's error becomes its diagnostic`() throws {
        let handler = FetchHandler(ListArtifactsRequest.self) { _, _ in
            throw Diagnostic("x/y", "no luck", hints: ["try"])
        }
        let result = try serve(FetchLine.encode(request), [handler])
        #expect(result.code == 1)
        #expect(result.messages == [.failure(Diagnostic("x/y", "no luck", hints: ["try"]))])
    }

    @Test func `an unknown request is refused by name`() throws {
        let result = try serve(FetchLine.encode(request), [])
        #expect(result.messages.first == .failure(FetchProtocolError.unknownRequest(name: "bootstrap.list").diagnostic))
    }

    @Test func `the operator's lines wait for whoever asks`() throws {
        let handler = FetchHandler(ListArtifactsRequest.self) { _, channel in
            let line = channel.nextInput(within: .seconds(20))
            #expect(channel.nextInput(within: .zero) == nil)
            throw Diagnostic("got/line", line ?? "nothing")
        }
        let result = try serve(FetchLine.encode(request) + FetchLine.encode(input: "typed"), [handler])
        #expect(result.messages == [.failure(Diagnostic("got/line", "typed"))])
    }

    @Test func `the real helper leaves when its command does`() throws {
        let result = try Program.built(FetchHelper.executableName, input: "").run()
        #expect(result.code == FetchServer.abandonedExitCode)
    }
}
