// SPDX-License-Identifier: MIT

package import JSONSyntax

/// A published release as the host describes it.
package struct Release: Equatable, Sendable {
    package struct Asset: Equatable, Sendable {
        package let name: String
        package let url: String
        /// Lower-case hexadecimal sha256, where the host computed one.
        package let sha256: String?
        package let sizeBytes: Int?
        /// False while the file is still on its way to the host.
        package let isUploaded: Bool

        package init(name: String, url: String, sha256: String? = nil, sizeBytes: Int? = nil, isUploaded: Bool = true) {
            self.name = name
            self.url = url
            self.sha256 = sha256
            self.sizeBytes = sizeBytes
            self.isUploaded = isUploaded
        }
    }

    package let tag: String
    package let assets: [Asset]

    package init(tag: String, assets: [Asset]) {
        self.tag = tag
        self.assets = assets
    }

    /// The tag without its leading `v`, as it is spelled in file names.
    package var version: String {
        tag.hasPrefix("v") && tag.dropFirst().first?.isNumber == true ? String(tag.dropFirst()) : tag
    }

    /// Reads the answer of `GET /repos/<owner>/<name>/releases/…`; nil when it is something else.
    package init?(json: JSONValue) {
        guard let tag = json["tag_name"]?.stringValue, let assets = json["assets"]?.arrayValue else { return nil }
        self.tag = tag
        self.assets = assets.compactMap { asset in
            guard let name = asset["name"]?.stringValue, let url = asset["browser_download_url"]?.stringValue else {
                return nil
            }
            let digest = asset["digest"]?.stringValue.flatMap { text in
                text.hasPrefix("sha256:") ? SHA256Text.normalized(String(text.dropFirst(7))) : nil
            }
            return Asset(
                name: name, url: url, sha256: digest, sizeBytes: asset["size"]?.integerValue,
                isUploaded: (asset["state"]?.stringValue ?? "uploaded") == "uploaded")
        }
    }
}

/// Hexadecimal sha256 values in text.
package enum SHA256Text {
    /// The value in lower case; nil when it is not 64 hexadecimal digits.
    package static func normalized(_ text: String) -> String? {
        let lower = text.lowercased()
        let isValid =
            lower.utf8.count == 64 && lower.utf8.allSatisfy { (48...57).contains($0) || (97...102).contains($0) }
        return isValid ? lower : nil
    }
}

/// A list of checksums as `sha256sum` writes it: `<hex>  <name>`, or `<hex> *<name>` from a binary-mode run.
package struct ChecksumFile: Equatable, Sendable {
    private var digests: [String: String] = [:]

    /// Lines that are something else are passed over: release pipelines publish half-written lists.
    package init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            let parts = line.split(separator: " ", maxSplits: 1)
            guard parts.count == 2, let digest = SHA256Text.normalized(String(parts[0])) else { continue }
            var name = parts[1].drop { $0 == " " }
            if name.first == "*" { name = name.dropFirst() }
            while name.last?.isWhitespace == true { name = name.dropLast() }
            digests[String(name)] = digest
        }
    }

    package subscript(name: String) -> String? { digests[name] }

    /// A file that holds nothing but a digest, as `<file>.sha256` sometimes does.
    package static func single(_ text: String, for name: String) -> String? {
        if let digest = ChecksumFile(text)[name] { return digest }
        return text.split(whereSeparator: \.isWhitespace).first.flatMap { SHA256Text.normalized(String($0)) }
    }
}
