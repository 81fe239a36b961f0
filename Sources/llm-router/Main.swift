// SPDX-License-Identifier: MIT

internal import RouterCLI

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

@main
enum Main {
    static func main() {
        exit(CommandLineTool.run(Array(CommandLine.arguments.dropFirst())).rawValue)
    }
}
