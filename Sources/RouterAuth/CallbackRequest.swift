// SPDX-License-Identifier: MIT

/// What somebody asked the callback port for, and what to make of it.
struct CallbackRequest {
    /// What the listener tells its owner; nil where nobody needs to know.
    let arrival: CallbackListener.Arrival?
    /// The whole answer. It says what comes next, and nothing of the request is repeated in it.
    let answer: [UInt8]

    private static let lineLimitBytes = 16 << 10
    private static let path = "/auth/callback"
    /// The port that the provider has registered: with a forwarded port the browser names it, and not ours.
    private static let registeredPort = 1455

    private enum Verdict {
        case welcome(CallbackParameters)
        case nothingHere
        case otherHost
        case otherAttempt
        case incomplete
        case tooLong
    }

    /// A request whose head never ended.
    static let endless = CallbackRequest(.tooLong)

    /// - Parameters:
    ///   - head: the request line and the fields, without the empty line.
    ///   - port: where the request came in.
    ///   - state: the attempt whose callbacks are wanted; nil takes those of any.
    init(head: ArraySlice<UInt8>, port: Int, state: String?) {
        self.init(Self.verdict(head, port, state))
    }

    private init(_ verdict: Verdict) {
        switch verdict {
        case .welcome(let parameters): arrival = .callback(parameters)
        case .otherAttempt: arrival = .otherAttempt
        case .incomplete: arrival = .incomplete
        case .nothingHere, .otherHost, .tooLong: arrival = nil
        }
        answer = Self.page(verdict)
    }

    private static func verdict(_ head: ArraySlice<UInt8>, _ port: Int, _ state: String?) -> Verdict {
        let lines = head.split(separator: 13)
        guard let first = lines.first else { return .nothingHere }
        let words = first.prefix(lineLimitBytes + 1).split(separator: 32, omittingEmptySubsequences: false)
        guard words.count >= 2, words[0].elementsEqual("GET".utf8) else { return .nothingHere }
        let target = String(decoding: words[1], as: UTF8.self)
        guard target == path || target.hasPrefix(path + "?") else { return .nothingHere }
        guard first.count <= lineLimitBytes, words.count == 3 else { return .incomplete }
        // A page of a stranger whose name was made to mean this machine would send that name.
        guard isOurs(hosts(lines.dropFirst()), port) else { return .otherHost }
        guard let parameters = CallbackParameters(target) else { return .incomplete }
        guard state == nil || parameters.state == state else { return .otherAttempt }
        guard parameters.code != nil || parameters.error != nil else { return .incomplete }
        return .welcome(parameters)
    }

    private static func hosts(_ fields: ArraySlice<ArraySlice<UInt8>>) -> [String] {
        fields.compactMap { field in
            // What is left of the line break before the field.
            let text = field.drop { $0 == 10 }
            guard let colon = text.firstIndex(of: UInt8(ascii: ":")) else { return nil }
            let name = String(decoding: text[..<colon], as: UTF8.self)
            guard name.lowercased() == "host" else { return nil }
            let value = text[text.index(after: colon)...].drop { $0 == 32 || $0 == 9 }
            return String(decoding: value.prefix { $0 != 32 && $0 != 9 }, as: UTF8.self).lowercased()
        }
    }

    private static func isOurs(_ hosts: [String], _ port: Int) -> Bool {
        guard hosts.count == 1, let host = hosts.first else { return false }
        let names = ["localhost", "127.0.0.1", "[::1]"]
        return names.contains { host == $0 || host == "\($0):\(port)" || host == "\($0):\(registeredPort)" }
    }

    private static func page(_ verdict: Verdict) -> [UInt8] {
        let (status, words) =
            switch verdict {
            case .welcome(let parameters) where parameters.error != nil:
                ("200 OK", "The login was refused. You can close this page.")
            case .welcome:
                ("200 OK", "Go back to the terminal: it says whether the login worked. You can close this page.")
            case .nothingHere: ("404 Not Found", "There is nothing here.")
            case .otherHost:
                ("400 Bad Request", "This address is not the one that the login page sends browsers back to.")
            case .otherAttempt:
                (
                    "400 Bad Request",
                    "This belongs to another login, so nothing was done. Open the address that the terminal printed last."
                )
            case .incomplete:
                (
                    "400 Bad Request",
                    "This is no complete answer of the login page, so nothing was done. Open the address in the terminal again."
                )
            case .tooLong:
                (
                    "431 Request Header Fields Too Large",
                    "The browser sends too much, perhaps cookies of localhost: paste the address of this page into the terminal."
                )
            }
        let body = "<!doctype html><meta charset=utf-8><title>llm-router</title><p>\(words)</p>\n"
        return Array(
            """
            HTTP/1.1 \(status)\r
            Content-Type: text/html; charset=utf-8\r
            Content-Length: \(body.utf8.count)\r
            Cache-Control: no-store\r
            Referrer-Policy: no-referrer\r
            Connection: close\r
            \r
            \(body)
            """.utf8)
    }
}
