// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A process to start with its argument vector and environment already in the form that exec takes.
package final class PreparedProcess {
    package let executable: String
    package let directory: String?
    let newSession: Bool
    let umask: UInt32
    let arguments: CStringVector
    let environment: CStringVector
    /// The limits of open files for the child; nil keeps ours.
    package var openFiles: (soft: UInt64, hard: UInt64)?

    /// Entries of the environment that `shared` holds are not copied again.
    package init(_ spec: ProcessSpec, sharing shared: SharedStrings? = nil) {
        executable = spec.executable
        directory = spec.directory
        newSession = spec.newSession
        umask = spec.umask
        arguments = CStringVector(spec.arguments)
        environment = CStringVector(spec.environment, sharing: shared)
    }

    /// Writes `text` over the last entry of the environment, which must be as long: the one thing that differs each time.
    package func overwriteLastVariable(with text: String) {
        environment.overwriteLast(with: text)
    }
}

/// C strings that many vectors have in common, such as the environment that all services inherit.
package final class SharedStrings {
    private let pointers: [String: UnsafeMutablePointer<CChar>]
    package let strings: [String]

    package init(_ strings: [String]) {
        self.strings = strings
        pointers = Dictionary(strings.map { ($0, strdup($0)) }) { first, second in
            free(second)
            return first
        }
    }

    deinit {
        for pointer in pointers.values { free(pointer) }
    }

    fileprivate subscript(text: String) -> UnsafeMutablePointer<CChar>? { pointers[text] }
}

/// A null-terminated vector of C strings that lives as long as the value.
final class CStringVector {
    let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    /// Those that are not shared.
    private let owned: [UnsafeMutablePointer<CChar>]
    private let shared: SharedStrings?
    private let last: UnsafeMutablePointer<CChar>?

    init(_ strings: [String], sharing shared: SharedStrings? = nil) {
        self.shared = shared
        var owned: [UnsafeMutablePointer<CChar>] = []
        var last: UnsafeMutablePointer<CChar>?
        pointer = .allocate(capacity: strings.count + 1)
        for (index, string) in strings.enumerated() {
            let isLast = index == strings.count - 1
            // The last one may be written over.
            if !isLast, let known = shared?[string] {
                pointer[index] = known
            } else if let copy = strdup(string) {
                pointer[index] = copy
                owned.append(copy)
                if isLast { last = copy }
            }
        }
        pointer[strings.count] = nil
        self.owned = owned
        self.last = last
    }

    deinit {
        for string in owned { free(string) }
        pointer.deallocate()
    }

    func overwriteLast(with text: String) {
        guard let last else { return }
        precondition(text.utf8.count == strlen(last), "the entry keeps its length")
        for (offset, byte) in text.utf8.enumerated() { last[offset] = CChar(bitPattern: byte) }
    }
}
