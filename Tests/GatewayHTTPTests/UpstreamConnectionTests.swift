// SPDX-License-Identifier: MIT

import GatewayHTTP
import JSONSyntax
import StandInHTTP
import SystemIO
import TestSupport
import Testing

/// Which connections to upstreams are used again.
@Suite struct UpstreamConnectionTests {
    /// How a stream goes.
    enum Course: CaseIterable {
        case whole, wholeWithoutEndMark, cut, stalled

        var answer: StandInResponse {
            let begin = Scripted.pieces(["one ", "two"])
            switch self {
            case .whole: return Scripted.events(["one ", "two"])
            case .wholeWithoutEndMark: return .events(begin + [.init(Scripted.chunk(nil, finish: "stop"))])
            case .cut:
                var answer = StandInResponse.events(begin)
                answer.ending = .close
                return answer
            case .stalled: return .events(begin + [.init(Scripted.done, after: .seconds(60))])
            }
        }

        var endsWell: Bool { self == .whole || self == .wholeWithoutEndMark }
    }

    @Test(arguments: Course.allCases)
    func `a connection whose stream ended well serves the next request, another one does not`(
        course: Course
    ) async throws {
        let upstream = try await StandInServer.start { $0.isStream ? course.answer : Scripted.chat("next") }
        var policy = GatewayUnderTest.usualPolicy
        if course == .stalled { policy["timeouts"] = ["idle": "200ms"] }
        let config = Scripted.config(upstream, nil, settings: "num_retries: 0")
        try await withGateway(config, policy: policy, loops: 1) { gateway in
            let streamed = try await gateway.client.post(streamRequest)
            #expect(streamed.streamedText == "one two")
            #expect((streamed.events.last == "[DONE]") == course.endsWell)
            for _ in 0..<3 {
                let next = try await gateway.client.post(plainRequest)
                #expect(next.status == 200)
            }
            #expect(upstream.acceptedConnections == (course.endsWell ? 1 : 2))
            #expect(upstream.requests.count == 4)
        }
        await upstream.stop()
    }

    @Test func `a host with several addresses is reached at the one that answers`() async throws {
        // The name stands for both families on most machines; the server listens on one of them only.
        let upstream = try await StandInServer.start { _ in Scripted.chat("found") }
        let config = Scripted.config(upstream, nil).replacingHost("127.0.0.1", by: "localhost")
        try await withGateway(config) { gateway in
            let answers = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<8 { group.addTask { try await gateway.client.post(plainRequest).status } }
                return try await group.reduce(into: [Int]()) { $0.append($1) }
            }
            #expect(answers == Array(repeating: 200, count: 8))
        }
        await upstream.stop()
    }

    @Test func `a host that does not exist is said to be unknown`() async throws {
        let upstream = try await StandInServer.start { _ in Scripted.chat("never") }
        let config = Scripted.config(upstream, nil, settings: "num_retries: 0")
            .replacingHost("127.0.0.1", by: "no-such-host.invalid")
        try await withGateway(config) { gateway in
            let answer = try await gateway.client.post(plainRequest)
            #expect(answer.status >= 500)
            #expect(upstream.requests.isEmpty)
        }
        await upstream.stop()
    }
}

extension String {
    fileprivate func replacingHost(_ host: String, by other: String) -> String {
        split(separator: host, omittingEmptySubsequences: false).joined(separator: other)
    }
}
