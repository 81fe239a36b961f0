// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax
internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The work behind one kind of request.
package struct FetchHandler: Sendable {
    let name: String
    let run: @Sendable (JSONValue, FetchChannel) throws -> JSONValue

    package init<Request: FetchRequest>(
        _ type: Request.Type, _ work: @escaping @Sendable (Request, FetchChannel) throws -> Request.Answer
    ) {
        name = Request.name
        run = { body, channel in try work(try Request(json: body), channel).json }
    }
}

/// Serves the one request of a helper process: reads it, does it, answers, and leaves when the command leaves.
package struct FetchServer: Sendable {
    package static let abandonedExitCode: Int32 = 3

    private let handlers: [FetchHandler]

    package init(handlers: [FetchHandler]) {
        self.handlers = handlers
    }

    /// Serves standard input and output; returns the exit code: 0 with a result, 1 with a failure.
    package func serve(input: Int32 = 0, output: Int32 = 1) -> Int32 {
        // A command that has gone is noticed by the end of its pipe, not by a signal.
        signal(SIGPIPE, SIG_IGN)
        let channel = FetchChannel(output: output)
        do {
            var reader = InputReader(descriptor: input)
            guard let line = try reader.nextLine() else { return Self.abandonedExitCode }
            let request = try FetchLine.decodeRequest(line)
            guard let handler = handlers.first(where: { $0.name == request.name }) else {
                throw FetchProtocolError.unknownRequest(name: request.name)
            }
            let watched = reader
            try BackgroundThread.start { Self.watch(watched, channel) }
            channel.send(.result(try handler.run(request.body, channel)))
            return 0
        } catch {
            channel.send(.failure(Self.diagnostic(of: error)))
            return 1
        }
    }

    private static func diagnostic(of error: any Error) -> Diagnostic {
        if let known = error as? any DiagnosticConvertible { return known.diagnostic }
        return Diagnostic("fetch/unexpected", "unexpected error: \(error)")
    }

    /// Takes the operator's lines until the command closes the pipe.
    private static func watch(_ reader: InputReader, _ channel: FetchChannel) {
        var reader = reader
        while let line = try? reader.nextLine() {
            if let input = FetchLine.decodeInput(line) { channel.received(input: input) }
        }
        channel.abandon()
    }
}

/// Reads lines from a descriptor that somebody else owns.
private struct InputReader: Sendable {
    let descriptor: Int32
    private var buffer = FetchLineBuffer()

    init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// The next line; nil at the end.
    mutating func nextLine() throws(FetchProtocolError) -> [UInt8]? {
        while true {
            if let line = try buffer.next() { return line }
            var bytes = [UInt8](repeating: 0, count: 65536)
            let count = retryingInterrupts { read(descriptor, &bytes, bytes.count) }
            guard count >= 0 else { throw .system(.current("read the request")) }
            guard count > 0 else { return nil }
            buffer.append(Array(bytes.prefix(count)))
        }
    }
}
