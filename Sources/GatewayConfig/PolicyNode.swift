// SPDX-License-Identifier: MIT

internal import Diagnostics
internal import JSONSyntax

/// A place in the policy file, which knows its path so that problems can name it.
struct PolicyNode {
    let value: JSONValue
    let path: String
    let file: String

    init(_ value: JSONValue, path: String, file: String) {
        self.value = value
        self.path = path
        self.file = file
    }

    /// The member `name`; nil when there is none or it is null.
    subscript(name: String) -> PolicyNode? {
        guard let member = value[name], member != .null else { return nil }
        return PolicyNode(member, path: "\(path).\(name)", file: file)
    }

    var members: [(name: String, node: PolicyNode)] {
        (value.objectValue?.members ?? []).map {
            ($0.name, PolicyNode($0.value, path: "\(path).\($0.name)", file: file))
        }
    }

    var elements: [PolicyNode] {
        (value.arrayValue ?? []).map { PolicyNode($0, path: "\(path)[]", file: file) }
    }

    var text: String? {
        switch value {
        case .string(let text): text
        case .integer(let number): String(number)
        case .double(let number): "\(number)"
        case .null, .bool, .array, .object: nil
        }
    }

    /// `15s`, `800ms`, `2m`, `1h`, `30d`; a bare number is seconds.
    var duration: Duration? {
        guard let text else { return nil }
        let units: [(String, Double)] = [
            ("ms", 1e6), ("us", 1e3), ("s", 1e9), ("m", 6e10), ("h", 3.6e12), ("d", 8.64e13),
        ]
        for (unit, nanoseconds) in units where text.hasSuffix(unit) {
            guard let number = Double(text.dropLast(unit.count)), number >= 0, number * nanoseconds < 9e18 else {
                return nil
            }
            return .nanoseconds(Int64(number * nanoseconds))
        }
        return Double(text).flatMap { $0 >= 0 && $0 < 9e9 ? .nanoseconds(Int64($0 * 1e9)) : nil }
    }

    /// `32MiB`, `8MB`, `1024`.
    var byteCount: Int? {
        guard let text else { return nil }
        let units: [(String, Int)] = [
            ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("kB", 1000), ("KB", 1000), ("MB", 1_000_000),
            ("GB", 1_000_000_000), ("B", 1),
        ]
        for (unit, factor) in units where text.hasSuffix(unit) {
            let digits = text.dropLast(unit.count).trimmingSpaces()
            return Double(digits).flatMap { $0 >= 0 && $0 < 1e9 ? Int($0 * Double(factor)) : nil }
        }
        return Int(text)
    }

    var integer: Int? { value.integerValue ?? text.flatMap { Int($0) } }

    /// `5%` as parts of a thousand.
    var perThousand: Int? {
        guard let text, text.hasSuffix("%"), let number = Double(text.dropLast()), (0...100).contains(number) else {
            return nil
        }
        return Int(number * 10)
    }

    func problem(_ expected: String) -> Diagnostic {
        Diagnostic("gateway/policy", "`\(path)` in `\(file)` must be \(expected)")
    }
}

extension Substring {
    fileprivate func trimmingSpaces() -> Substring {
        var text = self
        while text.last == " " { text.removeLast() }
        return text
    }
}
