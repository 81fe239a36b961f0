// SPDX-License-Identifier: MIT

package import JSONSyntax
internal import YAMLSyntax

/// config/schema/routertool.schema.json: the same definitions that decode a config, for editors.
package enum ConfigSchema {
    /// The JSON Schema of a config file.
    package static func json() -> JSONValue {
        var root: JSONObject = [
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "llm-router configuration",
        ]
        var body = section(Configuration.definition.shape)
        var properties = body["properties"]?.objectValue ?? [:]
        properties["secrets"] = ["deprecated": true, "description": "Name of `secret_files` in version 1."]
        body["properties"] = .object(properties)
        for (name, value) in body.members { root[name] = value }
        return .object(root)
    }

    /// The text of the committed file.
    package static func text() -> String {
        JSONWriter.text(of: json(), layout: .indented) + "\n"
    }

    private static func section(_ shape: SectionShape) -> JSONObject {
        var properties = JSONObject()
        for key in shape.keys {
            var property = json(key.shape)
            property["description"] = .string(key.summary)
            if let value = defaultValue(key) { property["default"] = value }
            properties[key.name] = .object(property)
        }
        var result: JSONObject = ["description": .string(shape.summary), "type": ["object", "null"]]
        let required = shape.keys.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty {
            // Nothing at all cannot hold what is required.
            result["type"] = "object"
            result["required"] = .array(required)
        }
        result["properties"] = .object(properties)
        result["additionalProperties"] = false
        return result
    }

    private static func json(_ shape: ConfigShape) -> JSONObject {
        switch shape {
        case .scalar(_, let json): return json
        case .list(let element, let minimumCount):
            var result: JSONObject = ["type": "array", "items": .object(json(element))]
            if minimumCount > 0 { result["minItems"] = .integer(minimumCount) }
            return result
        case .mapping(_, let value): return ["type": ["object", "null"], "additionalProperties": .object(json(value))]
        case .section(let shape): return section(shape())
        case .either(let shapes): return ["anyOf": .array(shapes.map { .object(json($0)) })]
        case .foreignMapping: return ["type": ["object", "null"]]
        }
    }

    /// The default as a value, where it is one and not a sentence.
    private static func defaultValue(_ key: KeyShape) -> JSONValue? {
        guard let text = key.defaultText(), !text.contains("`"), !text.contains(" ") else { return nil }
        switch key.shape {
        case .scalar(_, let json):
            let scalar = YAMLScalar(text)
            if json["type"] == "integer" { return scalar.integerValue.map(JSONValue.integer) }
            if json["type"] == "boolean" { return scalar.boolValue.map(JSONValue.bool) }
            if json["type"] == "number" { return scalar.doubleValue.map(JSONValue.double) }
            return text == "none" || text == "any" || text == "all" || text == "never" ? nil : .string(text)
        case .either: return .string(text)
        case .list: return text == "[]" ? [] : nil
        case .mapping, .section, .foreignMapping: return text == "{}" ? [:] : nil
        }
    }
}
