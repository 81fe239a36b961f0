// SPDX-License-Identifier: MIT

import Diagnostics
import LiteLLMConfig
import RouterProfiles
import SystemIO
import YAMLSyntax

/// Renders a profile of a config file many times and prints how long one rendering takes.
///
/// usage: benchmark-render FILE PROFILE RUNS; `render.py` does the same work with PyYAML.
@main enum RenderBenchmark {
    static func main() throws {
        let arguments = CommandLine.arguments
        precondition(arguments.count == 4, "usage: benchmark-render FILE PROFILE RUNS")
        let bytes = try FileSystem.read(arguments[1], limit: 256 << 20)
        var parse: [Duration] = []
        var whole: [Duration] = []
        var lint: [Duration] = []
        var size = 0
        for _ in 0..<(Int(arguments[3]) ?? 10) {
            let start = MonotonicTime.now()
            let root = try YAMLParser.parse(bytes, name: arguments[1])
            parse.append(MonotonicTime.now() - start)
            let source = ProfileSource(
                base: root["litellm_base"] ?? root, gateway: root["gateway"], engine: .litellm, configDirectory: "/")
            let profile = root["profiles"]?[arguments[2]] ?? .mapping([])
            let rendered = ProfileRenderer.render(source, profile: profile, name: arguments[2])
            whole.append(MonotonicTime.now() - start)
            size = rendered.activeFile.count
            let checked = MonotonicTime.now()
            _ = LiteLLMLint.check(rendered.merged, .init(engine: .litellm, completion: .byRenderer))
            lint.append(MonotonicTime.now() - checked)
        }
        print(
            "{\"parse_ms\":\(median(parse)),\"render_ms\":\(median(whole)),\"lint_ms\":\(median(lint)),\"bytes\":\(size)}"
        )
    }

    private static func median(_ durations: [Duration]) -> Double {
        let sorted = durations.sorted()
        return Double(sorted[sorted.count / 2].wholeNanoseconds) / 1e6
    }
}
