// swift-tools-version: 6.2
import PackageDescription

/// Every target is compiled with the same settings: Swift 6 mode, explicit existentials and imports, no warnings.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

/// The command must start in a millisecond, so its release build links nothing dynamically (docs/decisions/0001).
let staticExecutable: [SwiftSetting] = [
    .unsafeFlags(["-static-executable"], .when(platforms: [.linux], configuration: .release))
]
let staticLink: [LinkerSetting] = [
    .unsafeFlags(
        // ArgumentParser uses FoundationEssentials, whose own static libraries are not found by themselves.
        ["-static-executable", "-Xlinker", "-s", "-l_FoundationCollections", "-l_FoundationCShims"],
        .when(platforms: [.linux], configuration: .release))
]

let package = Package(
    name: "llm-router",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "llm-router", targets: ["llm-router"]),
        .executable(name: "llm-router-fetch", targets: ["llm-router-fetch"]),
        .executable(name: "llm-router-gateway", targets: ["llm-router-gateway"]),
        .library(name: "LLMRouting", targets: ["LLMRouting"]),
        .library(name: "RoleProviders", targets: ["RoleProviders"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
    ],
    targets: [
        // Level 0: C libraries. Each is imported by exactly one Swift target.
        .systemLibrary(name: "CArchive", pkgConfig: "libarchive", providers: [.apt(["libarchive-dev"])]),
        .systemLibrary(name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .target(name: "CRouterSystem", cSettings: [.define("_GNU_SOURCE")]),

        // Level 1: words and values.
        .target(name: "Diagnostics", swiftSettings: strict),
        .target(name: "JSONSyntax", dependencies: ["Diagnostics"], swiftSettings: strict),

        // Level 2: owned resources and texts.
        .target(name: "SystemIO", dependencies: ["CRouterSystem", "Diagnostics"], swiftSettings: strict),
        .target(name: "YAMLSyntax", dependencies: ["CYAML", "Diagnostics"], swiftSettings: strict),
        .target(name: "RouterServices", dependencies: ["Diagnostics", "JSONSyntax"], swiftSettings: strict),

        // Level 3: config, events, transfer.
        .target(
            name: "RouterConfig",
            dependencies: [
                "Diagnostics", "JSONSyntax", "LiteLLMConfig", "RouterServices", "SystemIO", "YAMLSyntax",
            ],
            swiftSettings: strict),
        .target(
            name: "LiteLLMConfig", dependencies: ["Diagnostics", "YAMLSyntax"], swiftSettings: strict),
        .target(
            name: "RouterEvents", dependencies: ["Diagnostics", "JSONSyntax", "SystemIO"],
            swiftSettings: strict),
        .target(
            name: "Transfer",
            dependencies: [
                "CCurl", "Diagnostics", "SystemIO", .product(name: "Crypto", package: "swift-crypto"),
            ],
            swiftSettings: strict),
        .target(
            name: "FetchProtocol", dependencies: ["Diagnostics", "JSONSyntax", "SystemIO"],
            swiftSettings: strict),

        // Level 4 and 5: engines.
        .target(name: "LLMRouting", swiftSettings: strict),
        .target(
            name: "RouterProfiles",
            dependencies: ["Diagnostics", "JSONSyntax", "LiteLLMConfig", "SystemIO", "YAMLSyntax"],
            swiftSettings: strict),
        .target(
            name: "RouterControl",
            dependencies: ["Diagnostics", "JSONSyntax", "RouterServices", "SystemIO"],
            swiftSettings: strict),
        .target(
            name: "RouterSupervisor",
            dependencies: [
                "Diagnostics", "FetchProtocol", "JSONSyntax", "RouterControl", "RouterEvents", "RouterServices",
                "SystemIO",
            ],
            swiftSettings: strict),
        .target(
            name: "RouterExport", dependencies: ["Diagnostics", "RouterServices"], swiftSettings: strict),
        .target(
            name: "RouterBootstrap",
            dependencies: ["CArchive", "Diagnostics", "FetchProtocol", "JSONSyntax", "SystemIO", "Transfer"],
            swiftSettings: strict),
        .target(
            name: "RouterAuth",
            dependencies: ["Diagnostics", "FetchProtocol", "JSONSyntax", "SystemIO", "Transfer", "YAMLSyntax"],
            swiftSettings: strict),
        .target(
            name: "RoleProviders",
            dependencies: ["Diagnostics", "GatewayConfig", "JSONSyntax", "LLMRouting", "SystemIO", "Transfer"],
            swiftSettings: strict),
        .target(
            name: "RouterDoctor",
            dependencies: ["Diagnostics", "JSONSyntax", "LiteLLMConfig", "RouterConfig", "SystemIO"],
            swiftSettings: strict),
        .target(
            name: "GatewayConfig",
            dependencies: [
                "Diagnostics", "JSONSyntax", "LLMRouting", "LiteLLMConfig", "SystemIO", "YAMLSyntax",
            ],
            swiftSettings: strict),
        .target(
            name: "GatewayHTTP",
            dependencies: [
                "CSQLite", "Diagnostics", "GatewayConfig", "JSONSyntax", "LLMRouting", "LiteLLMConfig", "SystemIO",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ],
            swiftSettings: strict),

        // Level 6: the command, which alone knows everything.
        .target(
            name: "RouterCLI",
            dependencies: [
                "Diagnostics", "FetchProtocol", "GatewayConfig", "JSONSyntax", "LLMRouting", "LiteLLMConfig",
                "RouterConfig", "RouterControl", "RouterDoctor", "RouterEvents", "RouterExport", "RouterProfiles",
                "RouterServices",
                "RouterSupervisor", "SystemIO", "YAMLSyntax",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict),

        // Level 7: the executables.
        .executableTarget(
            name: "llm-router", dependencies: ["RouterCLI"],
            swiftSettings: strict + staticExecutable, linkerSettings: staticLink),
        .executableTarget(
            name: "llm-router-fetch",
            dependencies: ["Diagnostics", "FetchProtocol", "RouterAuth", "RouterBootstrap", "SystemIO", "Transfer"],
            swiftSettings: strict),
        .executableTarget(
            name: "llm-router-gateway",
            dependencies: ["Diagnostics", "GatewayConfig", "GatewayHTTP", "SystemIO"],
            swiftSettings: strict + staticExecutable, linkerSettings: staticLink),

        // Tests mirror the targets; stand-ins are programs that play what cannot be had on a test machine.
        .executableTarget(
            name: "benchmark-ledger",
            dependencies: ["GatewayHTTP", "LLMRouting", .product(name: "NIOPosix", package: "swift-nio")],
            path: "Tests/Benchmarks/Ledger", swiftSettings: strict),
        .executableTarget(
            name: "benchmark-render",
            dependencies: ["Diagnostics", "LiteLLMConfig", "RouterProfiles", "SystemIO", "YAMLSyntax"],
            path: "Tests/Benchmarks/Render", swiftSettings: strict),
        .target(
            name: "StandInHTTP",
            dependencies: [
                "JSONSyntax",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            path: "Tests/StandIns/StandInHTTP", swiftSettings: strict),
        .executableTarget(
            name: "stand-in-cliproxy",
            dependencies: [
                "Diagnostics", "JSONSyntax", "StandInHTTP", "SystemIO", "YAMLSyntax",
                .product(name: "Crypto", package: "swift-crypto"),
            ],
            path: "Tests/StandIns/CLIProxy", swiftSettings: strict),
        .executableTarget(
            name: "stand-in-release-host",
            dependencies: ["JSONSyntax", "StandInHTTP", "SystemIO", .product(name: "Crypto", package: "swift-crypto")],
            path: "Tests/StandIns/ReleaseHost", swiftSettings: strict),
        .executableTarget(
            name: "stand-in-service", dependencies: ["SystemIO"],
            path: "Tests/StandIns/Service", swiftSettings: strict + staticExecutable, linkerSettings: staticLink),
        .executableTarget(
            name: "stand-in-supervisor",
            dependencies: [
                "Diagnostics", "JSONSyntax", "RouterControl", "RouterEvents", "RouterServices", "RouterSupervisor",
                "SystemIO",
            ],
            path: "Tests/StandIns/Supervisor", swiftSettings: strict + staticExecutable, linkerSettings: staticLink),
        .target(
            name: "TestSupport", dependencies: ["Diagnostics", "JSONSyntax", "SystemIO"],
            path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(
            name: "DiagnosticsTests", dependencies: ["Diagnostics", "SystemIO", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "FetchProtocolTests",
            dependencies: [
                "Diagnostics", "FetchProtocol", "JSONSyntax", "SystemIO", "TestSupport", "llm-router-fetch",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "GatewayHTTPTests",
            dependencies: [
                "GatewayConfig", "GatewayHTTP", "JSONSyntax", "LLMRouting", "LiteLLMConfig", "StandInHTTP", "SystemIO",
                "TestSupport",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(
            name: "GatewaySystemTests", dependencies: ["SystemIO", "TestSupport", "llm-router-gateway"],
            exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(
            name: "IntegrationTests",
            dependencies: ["Diagnostics", "JSONSyntax", "SystemIO", "TestSupport", "YAMLSyntax"],
            exclude: ["Fixtures"], swiftSettings: strict),
        .testTarget(name: "JSONSyntaxTests", dependencies: ["JSONSyntax"], swiftSettings: strict),
        .testTarget(
            name: "LLMRoutingTests", dependencies: ["GatewayConfig", "JSONSyntax", "LLMRouting", "SystemIO"],
            exclude: ["Fixtures"],
            swiftSettings: strict),
        .testTarget(
            name: "LiteLLMConfigTests",
            dependencies: ["Diagnostics", "LiteLLMConfig", "SystemIO", "TestSupport", "YAMLSyntax"],
            swiftSettings: strict),
        .testTarget(name: "RepositoryTests", dependencies: ["SystemIO", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "RoleProvidersTests",
            dependencies: [
                "GatewayConfig", "JSONSyntax", "LLMRouting", "RoleProviders", "StandInHTTP", "SystemIO", "TestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "RouterAuthTests",
            dependencies: [
                "Diagnostics", "FetchProtocol", "JSONSyntax", "RouterAuth", "StandInHTTP", "SystemIO", "TestSupport",
                "Transfer", "YAMLSyntax",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "RouterBootstrapTests",
            dependencies: [
                "Diagnostics", "FetchProtocol", "JSONSyntax", "RouterBootstrap", "SystemIO", "TestSupport", "Transfer",
                "llm-router-fetch", "stand-in-release-host",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "RouterCLITests",
            dependencies: [
                "Diagnostics", "JSONSyntax", "RouterCLI", "RouterConfig", "RouterDoctor", "RouterServices", "SystemIO",
                "TestSupport",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "RouterConfigTests",
            dependencies: [
                "Diagnostics", "JSONSyntax", "RouterConfig", "RouterServices", "SystemIO", "TestSupport", "YAMLSyntax",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "RouterControlTests",
            dependencies: ["Diagnostics", "JSONSyntax", "RouterControl", "RouterServices", "SystemIO", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "RouterDoctorTests",
            dependencies: ["Diagnostics", "RouterConfig", "RouterDoctor", "SystemIO", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "RouterEventsTests", dependencies: ["JSONSyntax", "RouterEvents", "SystemIO", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "RouterExportTests", dependencies: ["RouterExport", "RouterServices", "SystemIO", "TestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "RouterProfilesTests",
            dependencies: [
                "Diagnostics", "JSONSyntax", "LiteLLMConfig", "RouterProfiles", "SystemIO", "TestSupport", "YAMLSyntax",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "RouterServicesTests", dependencies: ["Diagnostics", "JSONSyntax", "RouterServices"],
            swiftSettings: strict),
        .testTarget(
            name: "RouterSupervisorTests",
            dependencies: [
                "Diagnostics", "JSONSyntax", "RouterControl", "RouterEvents", "RouterServices", "RouterSupervisor",
                "SystemIO", "TestSupport", "stand-in-service", "stand-in-supervisor",
            ],
            swiftSettings: strict),
        .testTarget(name: "SystemIOTests", dependencies: ["SystemIO", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "TransferTests",
            dependencies: ["Diagnostics", "StandInHTTP", "SystemIO", "TestSupport", "Transfer"], swiftSettings: strict),
        .testTarget(
            name: "YAMLSyntaxTests", dependencies: ["Diagnostics", "TestSupport", "YAMLSyntax"], swiftSettings: strict),
    ]
)
