// SPDX-License-Identifier: MIT

/// Something that happened to a role's request.
public struct RouterEvent: Hashable, Sendable {
    /// One of the names below.
    public var event: String
    /// The request that it belongs to.
    public var requestID: String
    /// What is known at that moment.
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
    /// How much an operator should care.
    public enum Level: String, Hashable, Sendable {
        case info = "INFO"
        case error = "ERROR"
    }

    /// How much an operator should care.
    public var level: Level
    /// Also the message.
    public var event: String
    /// The request that it belongs to.
    public var requestID: String
    /// Everything that is known at that moment.
    public var fields: Settings
}

/// Keeps traces. What it throws is dropped.
public protocol TraceStore: Sendable {
    func store(_ trace: RequestTrace) throws
}

extension RouterEvent {
    /// A policy chose the first provider.
    public static let policyChoice = "policy.choice"
    /// The next provider of the chain is about to be called.
    public static let policyFallback = "policy.fallback"
    /// A call begins; for logs alone.
    public static let completeStart = "llm.complete.start"
    /// A call brought a whole answer.
    public static let completeSuccess = "llm.complete.success"
    /// A call failed.
    public static let completeError = "llm.complete.error"
}
