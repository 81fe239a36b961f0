// SPDX-License-Identifier: MIT

/// A call that the caller is to make.
public struct Attempt: Sendable {
    public enum Purpose: String, Hashable, Sendable {
        case first, repetition, fallback, hedge
        /// The client has a part of the answer: swallow the output while it equals that part. Report
        /// ``RequestRun/Event/firstByte(_:)`` when all of it was matched, a failure of kind
        /// ``FailureKind/prefixMismatch`` when it differs.
        case resume
    }

    /// Counts the calls of a request from 0.
    public let id: Int
    public let purpose: Purpose
    public let link: RoutingTable.Link
    /// The model to ask the deployment for.
    public let upstreamModel: String
    public let timeouts: AttemptTimeouts
    /// Of the whole request.
    public let deadline: Instant
    let table: RoutingTable
    let place: Int

    public var deployment: Deployment { table.deployments[place] }
    /// Its id alone, without a copy of everything else about it.
    public var deploymentID: String { table.deployments[place].id }
    /// The deployment's position in ``RoutingTable/deployments``, for arrays that the caller keeps beside them.
    public var deploymentIndex: Int { place }
    public var group: String { table.groupName(of: link) }
}

/// What became of a call.
public struct AttemptRecord: Sendable {
    public enum Outcome: Hashable, Sendable {
        case running
        case succeeded
        case failed(AttemptFailure)
        case cancelled
    }

    public let attempt: Attempt
    public let startedAt: Instant
    public internal(set) var firstByteAt: Instant?
    public internal(set) var endedAt: Instant?
    public internal(set) var outcome = Outcome.running
    public internal(set) var usage: TokenUsage?
    public internal(set) var cost = Money.zero
    let claim: CallClaim

    public var firstByteLatency: Duration? { firstByteAt.map { $0 - startedAt } }
    public var elapsed: Duration? { endedAt.map { $0 - startedAt } }
}
