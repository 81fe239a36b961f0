// SPDX-License-Identifier: MIT

import Diagnostics
import FetchProtocol
import JSONSyntax
import Testing

struct FetchLineTests {
    private func roundTrip<Request: FetchRequest>(_ request: Request) throws {
        let line = FetchLine.encode(request)
        #expect(line.last == UInt8(ascii: "\n"))
        #expect(line.dropLast().allSatisfy { $0 != UInt8(ascii: "\n") })
        let decoded = try FetchLine.decodeRequest(Array(line.dropLast()))
        #expect(decoded.name == Request.name)
        #expect(try Request(json: decoded.body) == request)
    }

    @Test func `requests come out as they went in`() throws {
        var binary = InstallBinaryRequest(
            runtimeDirectory: "/r",
            origin: .release(
                api: "http://h", sources: [.init(repository: "a/b", tag: "v1"), .init(repository: "c/d", tag: nil)],
                token: Secret("t")))
        try roundTrip(binary)
        binary.origin = .archive(path: "/x\n.tar.gz")
        binary.repetition = .reinstall
        binary.verification = .optional
        try roundTrip(binary)
        var python = InstallLiteLLMRequest(runtimeDirectory: "/r", searchPath: "/bin")
        python.python = "/usr/bin/python3"
        try roundTrip(python)
        try roundTrip(ListArtifactsRequest(runtimeDirectory: "/r"))
        try roundTrip(VerifyArtifactsRequest(runtimeDirectory: "/r"))
        try roundTrip(RollbackRequest(runtimeDirectory: "/r", artifact: "litellm"))
        try roundTrip(ProbeRequest(url: "https://h/", timeoutMilliseconds: 5, bearer: Secret("k")))
        try roundTrip(CompressRequest(path: "/l", format: .zstd, original: .remove))
    }

    @Test func `answers come out as they went in`() throws {
        let artifact = InstalledArtifact(
            name: "n", version: "1", path: "/p", origin: "u", sha256: nil, sizeBytes: 3, installedAt: "now",
            isCurrent: true, change: .rolledBack)
        #expect(try ArtifactList(json: ArtifactList([artifact]).json) == ArtifactList([artifact]))
        let problem = Diagnostic("a/b", "m", notes: ["n"], hints: ["h"])
        let verification = ArtifactVerification([
            .init(name: "n", version: "1", path: "/p", problem: problem),
            .init(name: "m", version: "1", path: "/q", problem: nil),
        ])
        #expect(try ArtifactVerification(json: verification.json) == verification)
        let probe = ProbeAnswer(status: 200, error: nil, detail: "", body: "{}", elapsedMilliseconds: 1)
        #expect(try ProbeAnswer(json: probe.json) == probe)
    }

    @Test(arguments: [
        FetchMessage.update(.progress(.init(item: "i", step: "s", detail: "d", doneBytes: 1, totalBytes: nil))),
        .update(.notice(Diagnostic("a/b", "m", severity: .warning, notes: ["n"], hints: ["h"]))),
        .update(.value(name: "login_url", text: "http://x/?a=b\n")), .update(.prompt("paste: ")), .result(["a": 1]),
        .failure(Diagnostic("a/b", "ümlaut")),
    ])
    func `messages come out as they went in`(message: FetchMessage) throws {
        #expect(try FetchLine.decode(Array(FetchLine.encode(message).dropLast())) == message)
    }

    @Test func `a request of another version is refused`() {
        let line = Array(#"{"protocol":99,"request":"x","body":{}}"#.utf8)
        #expect(throws: FetchProtocolError.otherVersion(theirs: 99, ours: 1)) { try FetchLine.decodeRequest(line) }
    }

    @Test(arguments: ["", "x", "{}", "[]", #"{"other":1}"#, #"{"progress":{}}"#, #"{"failure":{"code":"a"}}"#])
    func `malformed messages are refused`(text: String) {
        #expect(throws: FetchProtocolError.self) { try FetchLine.decode(Array(text.utf8)) }
    }

    @Test func `no error quotes a request, which may hold secrets`() {
        let line = Array(#"{"token":"s3cret""#.utf8)
        let error = #expect(throws: FetchProtocolError.self) { try FetchLine.decodeRequest(line) }
        #expect(error.map { "\($0)".contains("s3cret") } == false)
    }

    @Test func `lines are cut wherever the chunks end`() throws {
        var buffer = FetchLineBuffer()
        var lines: [String] = []
        for byte in Array("one\ntwo\n\nthr".utf8) {
            buffer.append([byte])
            while let line = try buffer.next() { lines.append(String(decoding: line, as: UTF8.self)) }
        }
        buffer.append(Array("ee\nrest".utf8))
        while let line = try buffer.next() { lines.append(String(decoding: line, as: UTF8.self)) }
        #expect(lines == ["one", "two", "", "three"])
    }

    @Test func `a line beyond the limit is refused, not stored`() throws {
        var buffer = FetchLineBuffer()
        buffer.append([UInt8](repeating: 65, count: FetchLine.limitBytes + 1))
        #expect(throws: FetchProtocolError.lineTooLong(limitBytes: FetchLine.limitBytes)) { try buffer.next() }
    }
}
