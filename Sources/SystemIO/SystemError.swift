// SPDX-License-Identifier: MIT

internal import CRouterSystem
package import Diagnostics

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A system call that failed: what was being done, to which path, and the error number.
package struct SystemError: Error, Equatable, Sendable {
    package let operation: String
    package let path: String?
    package let code: Int32

    package init(_ operation: String, path: String? = nil, code: Int32) {
        self.operation = operation
        self.path = path
        self.code = code
    }

    /// The error that `errno` holds now.
    package static func current(_ operation: String, path: String? = nil) -> SystemError {
        SystemError(operation, path: path, code: errno)
    }

    /// The system's own words for the error number, such as "No space left on device".
    package var reason: String { String(cString: strerror(code)) }

    package var isNotFound: Bool { code == ENOENT || code == ENOTDIR }
    package var isAlreadyThere: Bool { code == EEXIST }
    package var isPermission: Bool { code == EACCES || code == EPERM || code == EROFS }
    package var isConnectionRefused: Bool { code == ECONNREFUSED }
    package var isWouldBlock: Bool { code == EAGAIN || code == EWOULDBLOCK }
    package var isBrokenPipe: Bool { code == EPIPE || code == ECONNRESET }
    /// Out of memory, processes or descriptors: it may work later without anybody changing anything.
    package var isOutOfResources: Bool { [EAGAIN, ENOMEM, EMFILE, ENFILE].contains(code) }
    package var isNoSpace: Bool { code == ENOSPC || code == EDQUOT }
}

extension SystemError: DiagnosticConvertible {
    package var diagnostic: Diagnostic {
        let place = path.map { " `\($0)`" } ?? ""
        return Diagnostic("system/\(area)", "cannot \(operation)\(place): \(reason)", hints: hints)
    }

    private var area: String {
        if isNotFound { return "not-found" }
        if isPermission { return "permission" }
        if isNoSpace { return "no-space" }
        return "failed"
    }

    private var hints: [String] {
        if isNoSpace { return ["free some disk space, then run the command again"] }
        if code == EROFS { return ["the file system is read-only; set `paths.runtime_dir` to a writable folder"] }
        if isPermission { return ["check who owns it with `ls -ld`; the command must run as that user"] }
        if code == EMFILE || code == ENFILE { return ["raise the limit of open files with `ulimit -n`"] }
        return []
    }
}
