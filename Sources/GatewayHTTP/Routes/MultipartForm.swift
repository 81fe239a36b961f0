// SPDX-License-Identifier: MIT

/// Finds the `model` field of a multipart body, so that audio and image uploads can be routed.
package enum MultipartForm {
    /// The boundary of a `multipart/form-data` content type.
    package static func boundary(ofContentType text: String) -> String? {
        guard text.lowercased().hasPrefix("multipart/form-data") else { return nil }
        for part in text.split(separator: ";").dropFirst() {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2, pair[0].trimmed().lowercased() == "boundary" else { continue }
            let value = pair[1].trimmed().filter { $0 != "\"" }
            return (1...70).contains(value.utf8.count) ? value : nil
        }
        return nil
    }

    /// The content of the field `name`, or nil. The place of a field that appears twice is nil as well.
    package static func field(_ name: String, in bytes: UnsafeRawBufferPointer, boundary: String) -> ByteSpan? {
        let delimiter = Array("--\(boundary)".utf8)
        var found: ByteSpan?
        var index = next(delimiter, in: bytes, from: 0)
        while let start = index {
            let headStart = start + delimiter.count
            let end = next(delimiter, in: bytes, from: headStart)
            defer { index = end }
            guard let end, end >= headStart + 2 else { continue }
            guard let headEnd = next(Array("\r\n\r\n".utf8), in: bytes, from: headStart), headEnd + 4 <= end - 2 else {
                continue
            }
            let head = String(decoding: bytes[headStart..<headEnd], as: UTF8.self)
            guard head.contains("name=\"\(name)\"") || head.hasSuffix("name=\(name)"), !head.contains("filename=")
            else {
                continue
            }
            guard found == nil else { return nil }
            found = ByteSpan(start: headEnd + 4, end: end - 2)
        }
        return found
    }

    private static func next(_ needle: [UInt8], in bytes: UnsafeRawBufferPointer, from start: Int) -> Int? {
        guard let first = needle.first, bytes.count >= needle.count else { return nil }
        var index = start
        while index + needle.count <= bytes.count {
            if bytes[index] == first, bytes[index..<(index + needle.count)].elementsEqual(needle) { return index }
            index += 1
        }
        return nil
    }
}

extension Substring {
    fileprivate func trimmed() -> String {
        var text = self
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return String(text)
    }
}
