// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The signals of a serving process, taken one after the other by the thread that waits for them.
struct ProcessSignals {
    enum Order {
        /// SIGHUP.
        case reload
        /// SIGUSR2: a successor takes over the listening socket.
        case replace
        /// SIGTERM, SIGINT.
        case end
    }

    private var set = sigset_t()

    /// Must be made before any thread exists, so that all inherit the mask and only `next` sees the signals.
    init() {
        sigemptyset(&set)
        for number in [SIGTERM, SIGINT, SIGHUP, SIGUSR2] { sigaddset(&set, number) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
        Self.raiseDescriptorLimit()
    }

    /// Waits for the next signal.
    func next() -> Order {
        var set = set
        while true {
            var number: Int32 = 0
            guard sigwait(&set, &number) == 0 else { continue }
            switch number {
            case SIGHUP: return .reload
            case SIGUSR2: return .replace
            default: return .end
            }
        }
    }

    /// Ten thousand streams need twenty thousand descriptors; the soft limit is often 1,024.
    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        #if canImport(Glibc)
            let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let resource = RLIMIT_NOFILE
        #endif
        guard getrlimit(resource, &limit) == 0 else { return }
        limit.rlim_cur = min(limit.rlim_max, 1 << 18)
        setrlimit(resource, &limit)
    }
}

/// What a serving process says on standard error.
enum ProcessWords {
    static func say(_ words: String) {
        write("llm-router-gateway: \(words)\n")
    }

    /// An error, or the warnings and errors of a list.
    static func report(_ error: any Error) {
        let renderer = DiagnosticRenderer(usesColor: false)
        switch error {
        case let list as DiagnosticList:
            write(renderer.render(DiagnosticList(list.diagnostics.filter { $0.severity != .note })))
        case let error as any DiagnosticConvertible: write(renderer.render(error.diagnostic))
        default: write("error: \(error)\n")
        }
    }

    private static func write(_ text: String) {
        try? OwnedDescriptor.writeAll(Array(text.utf8), to: 2)
    }
}
