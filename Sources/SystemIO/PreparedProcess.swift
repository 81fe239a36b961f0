// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// A process to start with its argument vector and environment already in the form that exec takes.
package final class PreparedProcess {
    package let spec: ProcessSpec
    let arguments: CStringVector
    let environment: CStringVector
    /// The limits of open files for the child; nil keeps ours.
    package var openFiles: (soft: UInt64, hard: UInt64)?

    package init(_ spec: ProcessSpec) {
        self.spec = spec
        arguments = CStringVector(spec.arguments)
        environment = CStringVector(spec.environment)
    }

    /// Writes `text` over the environment entry at `index`, which must be as long: the one thing that differs each time.
    package func overwriteEnvironment(at index: Int, with text: String) {
        precondition(text.utf8.count == spec.environment[index].utf8.count, "the entry keeps its length")
        guard let target = environment.pointer[index] else { return }
        for (offset, byte) in text.utf8.enumerated() { target[offset] = CChar(bitPattern: byte) }
    }
}

/// A null-terminated vector of C strings that lives as long as the value.
final class CStringVector {
    let pointer: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>
    private let count: Int

    init(_ strings: [String]) {
        count = strings.count
        pointer = .allocate(capacity: count + 1)
        for (index, string) in strings.enumerated() { pointer[index] = strdup(string) }
        pointer[count] = nil
    }

    deinit {
        for index in 0..<count { free(pointer[index]) }
        pointer.deallocate()
    }
}
