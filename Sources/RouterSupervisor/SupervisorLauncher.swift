// SPDX-License-Identifier: MIT

package import RouterControl
package import SystemIO

/// Gets a command to its supervisor, starting one where none is.
package enum SupervisorLauncher {
    private static let firstPause = Duration.milliseconds(1)
    private static let attempts = 4
    private static let longestPause = Duration.milliseconds(20)

    /// Connects. Where nobody listens, starts `command` detached, its output appended to the supervisor's log, and waits
    /// for its socket. Any number of commands may do so at once: all but one of the supervisors end at once.
    package static func connect(
        _ layout: RuntimeLayout, command: ProcessSpec, timeout: Duration
    ) throws(ControlError) -> ControlClient {
        if let client = try ControlClient.connect(layout) { return client }
        let deadline = MonotonicTime.now() + timeout
        while MonotonicTime.now() < deadline {
            let child = try launch(layout, command)
            if let client = try wait(for: child, layout, deadline) { return client }
        }
        throw .notStarted(
            logPath: layout.supervisorLogPath, lastLines: LogReader.tail(layout.supervisorLogPath, lines: 5))
    }

    /// Does `body` with a connection, again with another one when the supervisor dies in the middle of it: all requests
    /// may be repeated, since they say what is wanted and not what is to be done.
    package static func withClient<Result>(
        _ layout: RuntimeLayout, command: ProcessSpec, timeout: Duration,
        _ body: (inout ControlClient) throws(ControlError) -> Result
    ) throws(ControlError) -> Result {
        for _ in 0..<attempts - 1 {
            var client = try connect(layout, command: command, timeout: timeout)
            do throws(ControlError) {
                return try body(&client)
            } catch {
                guard error == .closed else { throw error }
            }
        }
        var client = try connect(layout, command: command, timeout: timeout)
        return try body(&client)
    }

    private static func launch(_ layout: RuntimeLayout, _ command: ProcessSpec) throws(ControlError) -> Int32 {
        do {
            try PrivateDirectory.claim(layout.runtimeDirectory)
            let log = try OwnedDescriptor.open(
                layout.supervisorLogPath, [.writeOnly, .append, .create, .noFollow], mode: 0o600)
            let input = try OwnedDescriptor.open("/dev/null", [.readOnly])
            do throws(SpawnError) {
                return try ChildProcess.spawn(
                    command, input: input.rawValue, output: log.rawValue, error: log.rawValue
                ).pid
            } catch {
                throw ControlError.cannotSpawn(error)
            }
        } catch let error as ControlError {
            throw error
        } catch let error as SystemError {
            throw .system(error)
        } catch {
            throw .closed
        }
    }

    /// nil when the supervisor we started has ended without a socket to show: it lost against another one that is
    /// itself about to end, or that has just died.
    private static func wait(
        for child: Int32, _ layout: RuntimeLayout, _ deadline: MonotonicTime
    ) throws(ControlError) -> ControlClient? {
        var pause = firstPause
        var hasEnded = false
        while MonotonicTime.now() < deadline {
            if let client = try ControlClient.connect(layout) { return client }
            // Having lost the race, it is the winner's socket that must come, which takes as long as a start.
            if hasEnded, pause == longestPause { return nil }
            if !hasEnded, (try? ChildProcess.reap(pid: child)) != nil { hasEnded = true }
            ProcessControl.pause(pause)
            pause = min(pause * 2, longestPause)
        }
        return nil
    }
}
