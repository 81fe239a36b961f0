// SPDX-License-Identifier: MIT

package import JSONSyntax

/// Compresses a file into a new one beside it, whole or not at all; for logs that have been rotated.
package struct CompressRequest: FetchRequest {
    package typealias Answer = CompressAnswer

    package static let name = "file.compress"

    package enum Format: String, Sendable {
        case zstd, gzip

        /// What is appended to the file's name.
        package var suffix: String {
            switch self {
            case .zstd: ".zst"
            case .gzip: ".gz"
            }
        }
    }

    package enum Original: String, Sendable {
        case keep, remove
    }

    package var path: String
    package var format: Format
    /// Removed only after the compressed file is safely there.
    package var original: Original

    package init(path: String, format: Format, original: Original) {
        self.path = path
        self.format = format
        self.original = original
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: Self.name)
        path = try fields.string("path")
        format = try fields.word("format")
        original = try fields.word("original")
    }

    package var json: JSONValue {
        ["path": .string(path), "format": .string(format.rawValue), "original": .string(original.rawValue)]
    }
}

/// The compressed file.
package struct CompressAnswer: FetchValue {
    package let path: String
    package let sizeBytes: Int

    package init(path: String, sizeBytes: Int) {
        self.path = path
        self.sizeBytes = sizeBytes
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: "compressed file")
        path = try fields.string("path")
        sizeBytes = try fields.integer("size")
    }

    package var json: JSONValue { ["path": .string(path), "size": .integer(sizeBytes)] }
}
