// SPDX-License-Identifier: MIT

internal import JSONSyntax
internal import NIOCore

/// Why a request has no form in the other dialect.
enum TranslationError: Error, Equatable {
    case notServed(Surface)
    case unreadable
    case unsupported(String)

    var words: String {
        switch self {
        case .notServed(let surface): "this deployment does not serve `\(surface.path)`"
        case .unreadable: "the body cannot be read"
        case .unsupported(let what): "\(what) has no counterpart at this deployment"
        }
    }
}

/// Between a client of one dialect and a deployment of the other.
struct Translation {
    private let client: Surface
    private let target: Dialect

    /// Nil when both speak the same.
    init?(client: Surface, target: Dialect) {
        guard client.dialect != target else { return nil }
        self.client = client
        self.target = target
    }

    /// The route that is called at the deployment.
    var upstreamSurface: Surface {
        switch client {
        case .messages: .chatCompletions
        case .chatCompletions: .messages
        default: client
        }
    }

    func request(_ body: ByteBuffer, model: String) throws(TranslationError) -> ByteBuffer {
        throw .notServed(client)
    }

    func streamTranslator(model: String) -> (any StreamTranslator)? { nil }

    func answer(_ body: ByteBuffer, model: String) -> ByteBuffer { body }
}
