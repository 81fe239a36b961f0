// SPDX-License-Identifier: MIT

import Diagnostics
import JSONSyntax
import RouterConfig
import SystemIO
import TestSupport
import Testing

/// Files that follow from the code; `UPDATE_GOLDEN=1` writes them anew.
@Suite struct GeneratedFilesTests {
    @Test func `the schema is that of the code`() throws {
        #expect(try Golden.matches("config/schema/routertool.schema.json", ConfigSchema.text()))
    }

    @Test func `the reference page is that of the code`() throws {
        #expect(try Golden.matches("docs/configuration.md", ConfigReference.markdown()))
    }

    @Test func `the command carries the examples as they are`() throws {
        let examples = [
            ("litellm", "config/examples/routertool.yaml"), ("cliproxyapi", "config/examples/cliproxyapi.yaml"),
            ("embedded", "config/examples/embedded/routertool.yaml"), ("environment", "config/examples/env.example"),
            ("gitignore", ".router.gitignore"),
        ]
        var source = """
            // SPDX-License-Identifier: MIT

            /// The files of `config/examples`, written here by the tests (`UPDATE_GOLDEN=1`); do not edit.
            enum ExampleTexts {
            """
        for (name, path) in examples {
            let bytes = try FileSystem.read(Golden.repository + "/" + path, limit: 1 << 20)
            let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            let text = lines.map { $0.isEmpty ? "" : "        " + $0 }.joined(separator: "\n")
            source += "\n    static let \(name) = #\"\"\"\n\(text)\n        \"\"\"#\n"
        }
        #expect(try Golden.matches("Sources/RouterConfig/Templates/ExampleTexts.swift", source + "}\n"))
    }

    @Test func `the schema names every key with a description`() throws {
        func check(_ schema: JSONValue, _ place: String) {
            for (name, property) in schema["properties"]?.objectValue?.members ?? [] {
                #expect(property["description"]?.stringValue?.isEmpty == false, "\(place).\(name)")
                check(property, place + "." + name)
                for key in ["items", "additionalProperties"] {
                    if let inner = property[key] { check(inner, place + "." + name) }
                }
            }
        }
        let schema = ConfigSchema.json()
        check(schema, "")
        #expect(schema["required"] == ["paths", "services", "litellm_base", "profiles"])
        #expect(schema["additionalProperties"] == false)
    }
}

@Suite struct ConfigTemplatesTests {
    @Test(arguments: ConfigTemplates.Engine.allCases)
    func `what init writes can be used at once`(engine: ConfigTemplates.Engine) throws {
        let keys = GeneratedKeys(ConfigTemplates.secrets(engine: engine))
        let files = ConfigTemplates.files(engine: engine, keys: keys)
        let config = try #require(files.first { $0.path == "config/routertool.yaml" })
        let loaded = try ConfigLoader.parse(
            Array(config.text.reveal().utf8), name: "routertool.yaml", path: "/stack/config/routertool.yaml", home: nil)
        #expect(loaded.remarks.diagnostics.isEmpty)
        #expect(loaded.configuration.paths.runtimeDirectory == "/stack/.router/runtime")
        #expect(config.text.reveal().contains("$schema=schema/routertool.schema.json"))
        for file in files { #expect(!file.text.reveal().contains("change-me"), "\(file.path)") }
        let secrets = try #require(files.first { $0.path == ".router/secrets.env" })
        #expect(secrets.mode == 0o600)
        let variables = try EnvironmentFile.parse(Array(secrets.text.reveal().utf8), name: "secrets.env")
        #expect(variables.map(\.name) == keys.names)
    }

    @Test func `the proxy's key is the one that LiteLLM sends`() throws {
        let keys = GeneratedKeys(ConfigTemplates.secrets(engine: .litellm))
        let files = ConfigTemplates.files(engine: .litellm, keys: keys)
        let proxy = try #require(files.first { $0.path == "config/cliproxyapi.yaml" })
        #expect(proxy.mode == 0o600)
        #expect(proxy.text.reveal().contains("- \(try #require(keys["ROUTER_UPSTREAM_API_KEY"]).reveal())\n"))
    }

    @Test func `keys are long, hexadecimal and never the same`() throws {
        let keys = GeneratedKeys(["LITELLM_MASTER_KEY", "A", "B"])
        let master = try #require(keys["LITELLM_MASTER_KEY"]).reveal()
        #expect(master.hasPrefix("sk-") && master.count == 67)
        #expect(keys["A"] != keys["B"])
        #expect("\(keys)".contains(master) == false)
    }
}
