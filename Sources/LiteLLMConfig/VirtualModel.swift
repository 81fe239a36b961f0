// SPDX-License-Identifier: MIT

package import Diagnostics
package import YAMLSyntax

/// A name that the gateway resolves to one of two model groups by how complex a request is.
package struct VirtualModel: Sendable {
    package let name: String
    package let simple: String?
    package let complex: String?
    package let span: SourceSpan?

    package init(name: String, simple: String?, complex: String?, span: SourceSpan? = nil) {
        self.name = name
        self.simple = simple
        self.complex = complex
        self.span = span
    }

    /// Those under `virtual_models` of the `gateway` section, in written order.
    package static func all(in gateway: YAMLNode?) -> [VirtualModel] {
        (gateway?["virtual_models"]?.entries ?? []).compactMap { entry in
            guard let name = entry.key.scalar?.text else { return nil }
            return VirtualModel(
                name: name, simple: entry.value["simple"]?.scalar?.text, complex: entry.value["complex"]?.scalar?.text,
                span: entry.key.span)
        }
    }

    /// The group that answers where nobody looks at the request: the stronger one.
    package var defaultGroup: String? { complex ?? simple }
}
