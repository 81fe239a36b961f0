// SPDX-License-Identifier: MIT

internal import CYAML
internal import Diagnostics

/// Owns a libyaml parser and shows its current event; nothing of an event is copied until it is asked for.
final class YAMLEventReader {
    enum Kind {
        case streamStart, streamEnd, documentStart, documentEnd
        case alias, scalar, sequenceStart, sequenceEnd, mappingStart, mappingEnd
    }

    private let source: SourceText
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let event: UnsafeMutablePointer<yaml_event_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init(_ bytes: [UInt8], _ source: SourceText) {
        self.source = source
        parser = .allocate(capacity: 1)
        event = .allocate(capacity: 1)
        event.initialize(to: yaml_event_t())
        precondition(yaml_parser_initialize(parser) == 1, "libyaml is out of memory")
        input = .allocate(capacity: bytes.count)
        _ = input.initialize(from: bytes)
        yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    }

    deinit {
        yaml_event_delete(event)
        event.deallocate()
        yaml_parser_delete(parser)
        parser.deallocate()
        input.deallocate()
    }

    /// Moves on to the next event.
    func advance() throws(Diagnostic) -> Kind {
        yaml_event_delete(event)
        guard yaml_parser_parse(parser, event) == 1 else { throw problem() }
        switch event.pointee.type {
        case YAML_STREAM_START_EVENT: return .streamStart
        case YAML_STREAM_END_EVENT: return .streamEnd
        case YAML_DOCUMENT_START_EVENT: return .documentStart
        case YAML_DOCUMENT_END_EVENT: return .documentEnd
        case YAML_ALIAS_EVENT: return .alias
        case YAML_SCALAR_EVENT: return .scalar
        case YAML_SEQUENCE_START_EVENT: return .sequenceStart
        case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
        case YAML_MAPPING_START_EVENT: return .mappingStart
        case YAML_MAPPING_END_EVENT: return .mappingEnd
        default: preconditionFailure("libyaml sends no other events")
        }
    }

    /// Where the current event is; of one that goes over several lines, its beginning.
    var span: SourceSpan {
        let start = event.pointee.start_mark
        let end = event.pointee.end_mark
        let length = start.line == end.line ? Int(end.column) - Int(start.column) : 1
        return SourceSpan(in: source, line: Int(start.line) + 1, column: Int(start.column) + 1, length: length)
    }

    /// The anchor of the current scalar, sequence or mapping.
    var anchor: String? {
        switch event.pointee.type {
        case YAML_SCALAR_EVENT: Self.text(event.pointee.data.scalar.anchor)
        case YAML_SEQUENCE_START_EVENT: Self.text(event.pointee.data.sequence_start.anchor)
        case YAML_MAPPING_START_EVENT: Self.text(event.pointee.data.mapping_start.anchor)
        default: nil
        }
    }

    /// The tag of the current sequence or mapping.
    var collectionTag: String? {
        switch event.pointee.type {
        case YAML_SEQUENCE_START_EVENT: Self.text(event.pointee.data.sequence_start.tag)
        case YAML_MAPPING_START_EVENT: Self.text(event.pointee.data.mapping_start.tag)
        default: nil
        }
    }

    /// The anchor that the current alias names.
    var aliasName: String { Self.text(event.pointee.data.alias.anchor) ?? "" }

    /// The current scalar event.
    var scalar: YAMLScalar {
        let value = event.pointee.data.scalar.value
        let bytes = UnsafeBufferPointer(start: value, count: event.pointee.data.scalar.length)
        return YAMLScalar(
            String(decoding: bytes, as: UTF8.self), style: Self.style(event.pointee.data.scalar.style),
            tag: Self.text(event.pointee.data.scalar.tag))
    }

    private static func style(_ raw: yaml_scalar_style_t) -> YAMLScalar.Style {
        switch raw {
        case YAML_SINGLE_QUOTED_SCALAR_STYLE: .singleQuoted
        case YAML_DOUBLE_QUOTED_SCALAR_STYLE: .doubleQuoted
        case YAML_LITERAL_SCALAR_STYLE: .literal
        case YAML_FOLDED_SCALAR_STYLE: .folded
        default: .plain
        }
    }

    private static func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        pointer.map { String(cString: $0) }
    }

    private func problem() -> Diagnostic {
        let raw = parser.pointee
        let words = raw.problem.map { String(cString: $0) } ?? "unreadable"
        let context = raw.context.map { " \(String(cString: $0))" } ?? ""
        let position: SourcePosition
        if raw.error == YAML_READER_ERROR {
            position = source.position(atByte: raw.problem_offset)
        } else {
            position = SourcePosition(line: Int(raw.problem_mark.line) + 1, column: Int(raw.problem_mark.column) + 1)
        }
        var hints: [String] = []
        if source.line(position.line).contains("\t") {
            hints.append("YAML does not allow tabs for indentation; use spaces")
        }
        return Diagnostic("yaml/syntax", "\(words)\(context)", at: source.span(at: position), hints: hints)
    }
}
