// SPDX-License-Identifier: MIT

/// docs/configuration.md: the same definitions that decode a config, for people.
package struct ConfigReference {
    /// One section with all the places where it may stand.
    private struct Page {
        var places: [String]
        let shape: SectionShape
    }

    private var pages: [Page] = []

    /// The whole page.
    package static func markdown() -> String {
        var reference = ConfigReference()
        reference.collect(.section { Configuration.definition.shape }, at: "")
        return introduction + reference.pages.map(markdown).joined(separator: "\n")
    }

    /// Puts sections in the order in which a reader meets them; one that stands in several places is told once.
    private mutating func collect(_ shape: ConfigShape, at place: String) {
        switch shape {
        case .scalar, .foreignMapping: return
        case .list(let element, _): collect(element, at: place + "[]")
        case .mapping(_, let value): collect(value, at: place + ".<name>")
        case .either(let shapes): for shape in shapes { collect(shape, at: place) }
        case .section(let lookUp):
            let section = lookUp()
            if let known = pages.firstIndex(where: { $0.shape.summary == section.summary }) {
                pages[known].places.append(place)
                return
            }
            pages.append(Page(places: [place], shape: section))
            for key in section.keys { collect(key.shape, at: place.isEmpty ? key.name : place + "." + key.name) }
        }
    }

    private static func markdown(_ page: Page) -> String {
        let title = page.places.map { $0.isEmpty ? "Top level" : "`\($0)`" }.joined(separator: ", ")
        var text =
            "## \(title)\n\n\(page.shape.summary)\n\n| key | value | default | meaning |\n| --- | --- | --- | --- |\n"
        for key in page.shape.keys {
            let cells = ["`\(key.name)`", words(of: key.shape), standard(key), key.summary]
            text += "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |\n"
        }
        return text
    }

    private static func words(of shape: ConfigShape) -> String {
        switch shape {
        case .mapping(let names, .section): "a mapping from \(names) to mappings"
        case .mapping(let names, let value): "a mapping from \(names) to \(words(of: value))"
        case .scalar, .list, .section, .either, .foreignMapping: shape.words
        }
    }

    private static func standard(_ key: KeyShape) -> String {
        if key.isRequired { return "**required**" }
        guard let text = key.defaultText() else { return "" }
        return text.contains("`") || text.contains(" ") && !text.hasPrefix("{") && !text.hasPrefix("[")
            || text == "none" || text == "any" || text == "all" || text == "never" ? text : "`\(text)`"
    }

    private static let introduction = """
        # Configuration

        Written from the definitions in `Sources/RouterConfig` by the tests (`UPDATE_GOLDEN=1`); do not edit. The same
        definitions are the schema for editors, `config/schema/routertool.schema.json`: a config that begins with
        `# yaml-language-server: $schema=…` is completed and checked while it is written.

        The config file is `--config FILE`, else `$LLM_ROUTER_CONFIG`, else `config/routertool.yaml`. It is YAML 1.1, as
        LiteLLM reads it, and plain JSON is fine. Everything that is wrong with it is said at once, with its place.

        * **Paths** are relative to the folder of the config file; `~/` is the home folder.
        * **Times** are `250ms`, `10s`, `2m`, `1h`, `30d`, or `1m30s`; a plain number counts seconds.
        * **Sizes** are `512KiB`, `10MiB`, `1GiB`; a plain number counts bytes.
        * **Keys** are best written as `os.environ/NAME`. A service's variables are those of whoever started it, then
          those of `.router/secrets.env`, then of its `env_file`, then of its `env`.
        * **Older names**: `secrets` is read as `secret_files`, and `services.cliproxyapi` as
          `services.cliproxyapi_plus`. A note says so; the file is never rewritten.
        * **Nothing is adjusted silently**: a value out of its range, an unknown key or word is an error.


        """
}
