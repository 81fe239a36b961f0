// SPDX-License-Identifier: MIT

internal import SystemIO

/// A short-lived program of ours: given its input, read until it ends, killed when dropped.
final class HelperProcess {
    /// What it may print; the rest is not read.
    static let outputLimit = 256 << 10
    /// What every pipe holds at least.
    static let inputLimit = 32 << 10

    private let loop: DescriptorLoop
    private let children: ChildWatcher
    private let pid: Int32
    private let handle: ProcessHandle?
    /// Held for as long as the answer is wanted, where it is a pipe.
    private var held: OwnedDescriptor?
    private let output: OwnedDescriptor
    private var token: DescriptorLoop.Token?
    private var bytes: [UInt8] = []
    private var isOver = false
    private let ended: (ExitStatus, [UInt8]) -> Void

    convenience init(
        _ spec: ProcessSpec, input: [UInt8], loop: DescriptorLoop, children: ChildWatcher,
        ended: @escaping (ExitStatus, [UInt8]) -> Void
    ) throws {
        // It fits into the pipe's buffer, so nobody waits.
        precondition(input.count <= Self.inputLimit, "a request fits into a pipe")
        let source = try Pipe()
        try source.writer.writeAll(input)
        try self.init(spec, source: source.reader, loop: loop, children: children, ended: ended)
        held = source.takeWriter()
    }

    /// `source` becomes its standard input, `error` its standard error: nothing when there is none.
    init(
        _ spec: ProcessSpec, source: borrowing OwnedDescriptor, error: Int32? = nil, loop: DescriptorLoop,
        children: ChildWatcher, ended: @escaping (ExitStatus, [UInt8]) -> Void
    ) throws {
        self.loop = loop
        self.children = children
        self.ended = ended
        let pipe = try Pipe()
        try pipe.reader.setNonBlocking()
        let null = try OwnedDescriptor.open("/dev/null", [.writeOnly])
        let started = try ChildProcess.spawn(
            spec, input: source.rawValue, output: pipe.writer.rawValue, error: error ?? null.rawValue)
        pid = started.pid
        handle = started.takeHandle()
        output = pipe.takeReader()
        children.watch(pid: pid, descriptor: handle?.rawValue) { [weak self] in self?.hasEnded() }
        token = try? loop.add(output.rawValue, .readable) { [weak self] _ in self?.read() }
    }

    deinit {
        kill()
    }

    /// Ends it and everything it started; nobody is told.
    func kill() {
        guard !isOver else { return }
        isOver = true
        ProcessControl.signalGroup(pid, SignalNumber.kill)
        release()
        // The signal for ended children reaps it.
    }

    private func read() {
        guard let more = try? output.receive(upTo: 16 << 10) else { return }
        if more.isEmpty || bytes.count > Self.outputLimit {
            if let token { loop.remove(token) }
            token = nil
        } else {
            bytes += more
        }
    }

    private func hasEnded() {
        guard !isOver, ProcessControl.hasEnded(child: pid) else { return }
        ProcessControl.signalGroup(pid, SignalNumber.kill)
        let status = (try? ChildProcess.reap(pid: pid)) ?? .unknown
        isOver = true
        read()
        release()
        ended(status, bytes)
    }

    private func release() {
        if let token { loop.remove(token) }
        token = nil
        children.unwatch(pid: pid)
    }
}
