// SPDX-License-Identifier: MIT

/// Something that happened to a role's request.
public struct RouterEvent: Hashable, Sendable {
    public var event: String
    public var requestID: String
    public var data: Settings

    public init(event: String, requestID: String, data: Settings) {
        self.event = event
        self.requestID = requestID
        self.data = data
    }
}

/// Gets events of requests. What it throws is dropped: a sink never breaks a request.
public protocol EventSink: Sendable {
    func emit(_ event: RouterEvent) throws
}

/// One line of the log.
public struct RouterLogRecord: Hashable, Sendable {
    public enum Level: String, Hashable, Sendable {
        case info = "INFO"
        case error = "ERROR"
    }

    public var level: Level
    /// Also the message.
    public var event: String
    public var requestID: String
    public var fields: Settings
}

/// Keeps traces. What it throws is dropped.
public protocol TraceStore: Sendable {
    func store(_ trace: RequestTrace) throws
}

extension RouterEvent {
    public static let policyChoice = "policy.choice"
    public static let policyFallback = "policy.fallback"
    public static let completeStart = "llm.complete.start"
    public static let completeSuccess = "llm.complete.success"
    public static let completeError = "llm.complete.error"
}
