// SPDX-License-Identifier: MIT

package import Diagnostics
package import YAMLSyntax

/// One deployment: an entry of `model_list`.
package struct ModelEntry: Sendable {
    /// The model group: the name that clients ask for; `*` and `openai/*` match many.
    package var modelName: String
    package var params: ModelParameters
    package var info: ModelFacts
    package var span: SourceSpan?
    package var modelNameSpan: SourceSpan?

    package init(modelName: String, params: ModelParameters, info: ModelFacts = ModelFacts(), span: SourceSpan? = nil) {
        self.modelName = modelName
        self.params = params
        self.info = info
        self.span = span
    }

    package var isWildcard: Bool { modelName.contains("*") }

    /// Deployments of a group with a lower order are tried before those with a higher one.
    package var order: Int? { params.order ?? info.order }

    /// Prices may stand in either place; `litellm_params` win.
    package var inputCostPerToken: DecimalText? { params.inputCostPerToken ?? info.inputCostPerToken }
    package var outputCostPerToken: DecimalText? { params.outputCostPerToken ?? info.outputCostPerToken }
}

/// `litellm_params`: how the deployment is called.
package struct ModelParameters: Sendable {
    package var model: UpstreamModel
    package var modelSpan: SourceSpan?
    package var apiBase: String?
    package var apiBaseSpan: SourceSpan?
    package var apiKey: SecretValue?
    package var apiVersion: String?
    package var timeout: Duration?
    package var streamTimeout: Duration?
    package var maxRetries: Int?
    package var rpm: Int?
    package var tpm: Int?
    package var maxParallelRequests: Int?
    package var cooldownTime: Duration?
    package var weight: Double?
    package var order: Int?
    package var inputCostPerToken: DecimalText?
    package var outputCostPerToken: DecimalText?
    package var organization: String?
    package var extraHeaders: [(name: String, value: Secret<String>)] = []
    package var dropParams: Bool?
    package var mockResponse: String?
    /// Everything else, such as `temperature`, which LiteLLM sends along with each request.
    package var others: [YAMLNode.Entry] = []

    package init(model: UpstreamModel) {
        self.model = model
    }
}

/// `model_info`: facts about the deployment that are not sent anywhere.
package struct ModelFacts: Sendable {
    package var id: String?
    /// `chat`, `embedding`, `completion`, …
    package var mode: String?
    package var tier: String?
    package var baseModel: String?
    package var maxTokens: Int?
    package var maxInputTokens: Int?
    package var maxOutputTokens: Int?
    package var inputCostPerToken: DecimalText?
    package var outputCostPerToken: DecimalText?
    package var allowedFails: Int?
    /// Read by LiteLLM where `litellm_params` has no `order`.
    package var order: Int?
    /// What some configs write for `order`; LiteLLM does not read it.
    package var fallbackOrder: Int?
    package var supportsFunctionCalling: Bool?
    package var supportsVision: Bool?
    package var others: [YAMLNode.Entry] = []

    package init() {}
}

/// A decimal number exactly as it was written, for amounts of money.
package struct DecimalText: Equatable, Hashable, Sendable, CustomStringConvertible {
    /// Sign, digits, fraction and exponent; no underscores, no other base.
    package let text: String

    /// Nil unless `text` is a finite decimal number: `2`, `0.00002`, `2e-05`, `+1_000.5`.
    package init?(_ text: String) {
        let clean = text.filter { $0 != "_" }
        var rest = Substring(clean)
        if rest.first == "-" || rest.first == "+" { rest.removeFirst() }
        let parts = rest.split(maxSplits: 1, omittingEmptySubsequences: false) { $0 == "e" || $0 == "E" }
        guard let mantissa = parts.first, Self.isMantissa(mantissa) else { return nil }
        if parts.count == 2 {
            var exponent = parts[1]
            if exponent.first == "-" || exponent.first == "+" { exponent.removeFirst() }
            guard !exponent.isEmpty, exponent.count <= 4, exponent.allSatisfy(Self.isDigit) else { return nil }
        }
        self.text = clean
    }

    package var description: String { text }
    package var doubleValue: Double { Double(text.hasSuffix(".") ? text + "0" : text) ?? .nan }

    private static func isMantissa(_ text: Substring) -> Bool {
        let halves = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        return text.contains(where: isDigit) && halves.allSatisfy { $0.allSatisfy(isDigit) }
    }

    private static func isDigit(_ character: Character) -> Bool {
        character.isASCII && character.isNumber
    }
}
