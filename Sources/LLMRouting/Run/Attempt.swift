// SPDX-License-Identifier: MIT

/// A call that the caller is to make.
public struct Attempt: Sendable {
    /// Why a call is made.
    public enum Purpose: String, Hashable, Sendable {
        case first, repetition, fallback, hedge
        /// The client has a part of the answer: swallow the output while it equals that part. Report
        /// ``RequestRun/Event/firstByte(_:)`` when all of it was matched, a failure of kind
        /// ``FailureKind/prefixMismatch`` when it differs.
        case resume
    }

    /// Counts the calls of a request from 0.
    public let id: Int
    /// Why it is made.
    public let purpose: Purpose
    /// The group that it is made for.
    public let link: RoutingTable.Link
    /// The model to ask the deployment for.
    public let upstreamModel: String
    /// How long its phases may take.
    public let timeouts: AttemptTimeouts
    /// Of the whole request.
    public let deadline: Instant
    let table: RoutingTable
    let place: Int

    /// Whom to call.
    public var deployment: Deployment { table.deployments[place] }
    /// Its id alone, without a copy of everything else about it.
    public var deploymentID: String { table.deployments[place].id }
    /// The deployment's position in ``RoutingTable/deployments``, for arrays that the caller keeps beside them.
    public var deploymentIndex: Int { place }
    /// The name of the group that it is made for.
    public var group: String { table.groupName(of: link) }
}

/// What became of a call.
public struct AttemptRecord: Sendable {
    /// How far a call came.
    public enum Outcome: Hashable, Sendable {
        case running
        case succeeded
        case failed(AttemptFailure)
        case cancelled
    }

    /// The call.
    public let attempt: Attempt
    /// When the caller was told to begin.
    public let startedAt: Instant
    /// When the first valid part of an answer came.
    public internal(set) var firstByteAt: Instant?
    /// When it was over, however it ended.
    public internal(set) var endedAt: Instant?
    /// How far it came.
    public internal(set) var outcome = Outcome.running
    /// What it used, as far as anybody said.
    public internal(set) var usage: TokenUsage?
    /// What it cost, booked or not.
    public internal(set) var cost = Money.zero
    let claim: CallClaim

    /// From its beginning to the first part; nil before that.
    public var firstByteLatency: Duration? { firstByteAt.map { $0 - startedAt } }
    /// From its beginning to its end; nil while it runs.
    public var elapsed: Duration? { endedAt.map { $0 - startedAt } }
}
