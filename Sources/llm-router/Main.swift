// SPDX-License-Identifier: MIT

internal import RouterCLI
internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

@main
enum Main {
    static func main() {
        // Keys pass through this process.
        ProcessControl.forbidCoreFiles()
        exit(CommandLineTool.run(Array(CommandLine.arguments.dropFirst())).rawValue)
    }
}
