// SPDX-License-Identifier: MIT

internal import FetchProtocol

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The helper behind `llm-router`: everything that needs libcurl, libarchive or TLS.
///
/// It reads one request from standard input; without one it has nothing to do.
@main
enum Main {
    static func main() {
        exit(FetchServer(handlers: handlers).serve())
    }

    /// All that the helper can do. Each engine brings its own handlers.
    private static let handlers: [FetchHandler] = []
}
