// SPDX-License-Identifier: MIT

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// Two connected descriptors, both closed with the value unless they are taken.
///
/// None is 0, 1 or 2, even where those are closed: a child's standard streams can then be put in place in any order.
package struct DescriptorPair: ~Copyable {
    private var reading: OwnedDescriptor?
    private var writing: OwnedDescriptor?

    /// A pipe.
    package static func pipe() throws(SystemError) -> DescriptorPair {
        try make("open a pipe") { systemPipe($0) }
    }

    /// A pair of stream sockets; writing to it with `send` and `MSG_NOSIGNAL` never raises SIGPIPE.
    package static func sockets() throws(SystemError) -> DescriptorPair {
        try make("open a socket pair") { buffer in
            #if os(Linux)
                socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, buffer)
            #else
                socketpair(AF_UNIX, SOCK_STREAM, 0, buffer)
            #endif
        }
    }

    private init(reading: consuming OwnedDescriptor, writing: consuming OwnedDescriptor) {
        self.reading = consume reading
        self.writing = consume writing
    }

    /// The end to read from; may be taken once.
    package mutating func takeReadEnd() -> OwnedDescriptor {
        guard let end = reading.take() else { preconditionFailure("the read end has been taken before") }
        return end
    }

    /// The end to write to; may be taken once.
    package mutating func takeWriteEnd() -> OwnedDescriptor {
        guard let end = writing.take() else { preconditionFailure("the write end has been taken before") }
        return end
    }

    private static func make(
        _ operation: String, _ call: (UnsafeMutablePointer<Int32>) -> Int32
    ) throws(SystemError) -> DescriptorPair {
        var raw: [Int32] = [-1, -1]
        let result = raw.withUnsafeMutableBufferPointer { buffer in buffer.baseAddress.map(call) ?? -1 }
        guard result == 0 else { throw SystemError.current(operation) }
        let first = OwnedDescriptor(taking: raw[0])
        let second = OwnedDescriptor(taking: raw[1])
        #if !os(Linux)
            // Without MSG_NOSIGNAL, the socket itself must be told; it does nothing to a pipe.
            var yes: Int32 = 1
            for number in raw {
                setsockopt(number, SOL_SOCKET, SO_NOSIGPIPE, &yes, socklen_t(MemoryLayout<Int32>.size))
            }
        #endif
        return DescriptorPair(reading: try duplicate(first, operation), writing: try duplicate(second, operation))
    }

    private static func duplicate(
        _ descriptor: borrowing OwnedDescriptor, _ operation: String
    ) throws(SystemError) -> OwnedDescriptor {
        let number = routerDuplicate(descriptor.rawValue, 3)
        guard number >= 0 else { throw SystemError.current(operation) }
        return OwnedDescriptor(taking: number)
    }
}

private func systemPipe(_ buffer: UnsafeMutablePointer<Int32>) -> Int32 {
    pipe(buffer)
}

private func routerDuplicate(_ descriptor: Int32, _ lowest: Int32) -> Int32 {
    fcntl(descriptor, F_DUPFD_CLOEXEC, lowest)
}
