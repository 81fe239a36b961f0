// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import LLMRouting
internal import NIOCore

// What is answered from the state of the whole gateway.
extension GatewayShared {
    func metrics(for client: ClientConnection, _ request: ClientRequest) {
        guard let server else {
            return client.respond(GatewayError.draining.answer(dialect: .openAI, requestID: nil), to: request)
        }
        let statuses = statuses()
        let eventLoop = client.loop.eventLoop
        server.collect().map { metrics, gauges in
            MetricsText.render(metrics, gauges, deployments: statuses)
        }.hop(to: eventLoop).assumeIsolated().whenSuccess { text in
            client.respond(
                Answer(
                    status: 200, body: ByteBuffer(string: text), contentType: "text/plain; version=0.0.4; charset=utf-8"
                ),
                to: request)
        }
    }

    func admin(_ route: AdminRoute, _ request: ClientRequest, _ client: ClientConnection) {
        client.respond(GatewayError.routeNotFound.answer(dialect: .openAI, requestID: nil), to: request)
    }
}
