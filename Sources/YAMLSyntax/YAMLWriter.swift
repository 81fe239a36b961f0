// SPDX-License-Identifier: MIT

internal import CYAML

/// Writes nodes as YAML; every scalar keeps its text, style and tag, so what was read comes out with the same type.
package struct YAMLWriter: ~Copyable {
    private let emitter: UnsafeMutablePointer<yaml_emitter_t>
    private let output: OutputBuffer

    /// The YAML of `root` in block style, UTF-8, with a final line break.
    package static func bytes(of root: YAMLNode) -> [UInt8] {
        let writer = YAMLWriter()
        writer.write(document: root)
        return writer.output.bytes
    }

    private init() {
        emitter = .allocate(capacity: 1)
        output = OutputBuffer()
        precondition(yaml_emitter_initialize(emitter) == 1, "libyaml is out of memory")
        yaml_emitter_set_output(
            emitter,
            { context, bytes, count in
                guard let context, let bytes else { return 0 }
                Unmanaged<OutputBuffer>.fromOpaque(context).takeUnretainedValue().bytes
                    .append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
                return 1
            }, Unmanaged.passUnretained(output).toOpaque())
        yaml_emitter_set_unicode(emitter, 1)
        yaml_emitter_set_width(emitter, -1)
    }

    deinit {
        yaml_emitter_delete(emitter)
        emitter.deallocate()
    }

    private func write(document root: YAMLNode) {
        emit { yaml_stream_start_event_initialize(&$0, YAML_UTF8_ENCODING) }
        emit { yaml_document_start_event_initialize(&$0, nil, nil, nil, 1) }
        write(root)
        emit { yaml_document_end_event_initialize(&$0, 1) }
        emit { yaml_stream_end_event_initialize(&$0) }
    }

    private func write(_ node: YAMLNode) {
        switch node.content {
        case .scalar(let scalar): write(scalar)
        case .sequence(let elements):
            emit { yaml_sequence_start_event_initialize(&$0, nil, nil, 1, YAML_BLOCK_SEQUENCE_STYLE) }
            for element in elements { write(element) }
            emit { yaml_sequence_end_event_initialize(&$0) }
        case .mapping(let entries):
            emit { yaml_mapping_start_event_initialize(&$0, nil, nil, 1, YAML_BLOCK_MAPPING_STYLE) }
            for entry in entries {
                write(entry.key)
                write(entry.value)
            }
            emit { yaml_mapping_end_event_initialize(&$0) }
        }
    }

    private func write(_ scalar: YAMLScalar) {
        var text = Array(scalar.text.utf8)
        let count = Int32(text.count)
        text.append(0)
        // A plain scalar without a tag must stay plain, or a number would turn into a string.
        let plainImplicit: Int32 = scalar.tag == nil ? 1 : 0
        let style: yaml_scalar_style_t =
            switch scalar.style {
            case .plain: YAML_PLAIN_SCALAR_STYLE
            case .singleQuoted: YAML_SINGLE_QUOTED_SCALAR_STYLE
            case .doubleQuoted: YAML_DOUBLE_QUOTED_SCALAR_STYLE
            case .literal: YAML_LITERAL_SCALAR_STYLE
            case .folded: YAML_FOLDED_SCALAR_STYLE
            }
        var tag: [UInt8] = scalar.tag.map { Array($0.utf8) + [0] } ?? []
        emit { event in
            tag.withUnsafeMutableBufferPointer { tagBytes in
                text.withUnsafeMutableBufferPointer { textBytes in
                    yaml_scalar_event_initialize(
                        &event, nil, tagBytes.isEmpty ? nil : tagBytes.baseAddress, textBytes.baseAddress, count,
                        plainImplicit, scalar.tag == nil ? 1 : 0, style)
                }
            }
        }
    }

    private func emit(_ initialize: (inout yaml_event_t) -> Int32) {
        var event = yaml_event_t()
        precondition(initialize(&event) == 1, "libyaml is out of memory")
        precondition(yaml_emitter_emit(emitter, &event) == 1, "events are sent in a valid order")
    }

    private final class OutputBuffer {
        var bytes: [UInt8] = []
    }
}
