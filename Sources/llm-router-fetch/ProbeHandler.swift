// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import FetchProtocol
internal import SystemIO
internal import Transfer

/// Answers health probes of hosts that need TLS or a name look-up.
enum ProbeHandler {
    static func handler(settings: TransferSettings) -> FetchHandler {
        FetchHandler(ProbeRequest.self) { request, _ in probe(request, settings: settings) }
    }

    private static func probe(_ request: ProbeRequest, settings: TransferSettings) -> ProbeAnswer {
        var settings = settings
        let limit = Duration.milliseconds(request.timeoutMilliseconds)
        settings.connectTimeout = limit
        settings.stallTimeout = limit
        settings.totalTimeout = limit
        settings.redirectLimit = 0
        let start = MonotonicTime.now()
        func answer(_ status: Int?, _ error: TransferError?, _ body: [UInt8]) -> ProbeAnswer {
            ProbeAnswer(
                status: status, error: error?.word, detail: error?.diagnostic.message ?? "",
                body: String(decoding: body, as: UTF8.self),
                elapsedMilliseconds: Int((MonotonicTime.now() - start).wholeMilliseconds))
        }
        do throws(TransferError) {
            var transfer = TransferRequest(try TransferURL(request.url))
            transfer.authorization = request.bearer.map { Secret("Bearer " + $0.reveal()) }
            let stream = try TransferStream(transfer, settings: settings)
            var body: [UInt8] = []
            // The status is the answer; a body that breaks off or has no end does not change it.
            while body.count < ProbeRequest.bodyLimitBytes, let bytes = try? stream.read(), !bytes.isEmpty {
                body.append(contentsOf: bytes.prefix(ProbeRequest.bodyLimitBytes - body.count))
            }
            return answer(stream.head.status, nil, body)
        } catch {
            return answer(nil, error, [])
        }
    }
}
