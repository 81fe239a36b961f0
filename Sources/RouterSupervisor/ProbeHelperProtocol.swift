// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax
internal import RouterServices
internal import SystemIO

/// One JSON line to the helper, one back: secrets stay out of its argument vector.
enum ProbeHelperProtocol {
    static func request(_ http: HTTPProbe, _ timeout: Duration) -> [UInt8] {
        var headers = http.headers
        if case .token(let token) = http.bearer { headers.append("Authorization: Bearer \(token.reveal())") }
        let json: JSONValue = [
            "request": "probe", "url": .string(http.url), "headers": .strings(headers),
            "acceptedStatus": .array([
                .integer(http.acceptedStatus.lowerBound), .integer(http.acceptedStatus.upperBound),
            ]),
            "bodyMatch": JSONValue(http.bodyMatch), "timeoutMilliseconds": .integer(Int(timeout.wholeMilliseconds)),
        ]
        return JSONWriter.bytes(of: json) + [UInt8(ascii: "\n")]
    }

    /// The last line of what the helper wrote.
    static func answer(_ output: [UInt8]) -> ProbeAnswer {
        guard let line = output.split(separator: UInt8(ascii: "\n")).last,
            let json = try? JSONParser.parse(Array(line)), let isOK = json["ok"]?.boolValue
        else { return .failed("helper-failed") }
        return ProbeAnswer(
            isOK: isOK, code: json["code"]?.integerValue, error: json["error"]?.stringValue,
            detail: json["detail"]?.stringValue)
    }
}
