// SPDX-License-Identifier: MIT

import JSONSyntax
import RouterProfiles
import SystemIO
import TestSupport
import Testing

@Suite struct ProfileSwitchTests {
    private let scratch: ScratchFolder
    private let now = Timestamp(nanoseconds: 1_795_000_000_000_000_000)

    init() throws {
        scratch = try ScratchFolder()
    }

    @Test func `writes all files, private, and tells the state`() throws {
        let outcome = try set("balanced")
        #expect(outcome == ProfileSwitch.Outcome(isChanged: true))
        #expect(ProfileState.read(paths.stateFile) == .known(profile: "balanced", updatedAt: now.iso8601))
        for name in ["run/active.yaml", "run/active.gateway.json", "run/state.json", "secrets.env"] {
            #expect(try FileSystem.status(scratch.path(name))?.mode == 0o600, "\(name)")
        }
        #expect(try FileSystem.list(scratch.path("run")).filter { $0.hasSuffix(AtomicFile.temporarySuffix) } == [])
    }

    @Test func `the same profile again changes nothing but the time`() throws {
        _ = try set("balanced")
        let before = try FileSystem.status(paths.activeConfig)
        let key = try scratch.read("secrets.env")
        #expect(try set("balanced") == ProfileSwitch.Outcome(isChanged: false))
        #expect(try FileSystem.status(paths.activeConfig) == before)
        #expect(try scratch.read("secrets.env") == key)
    }

    @Test func `the master key is 64 random digits and stays the same across profiles`() throws {
        _ = try set("balanced")
        let text = try scratch.read("secrets.env")
        _ = try set("cost")
        #expect(try scratch.read("secrets.env") == text)
        let key = try #require(text.split(separator: "=").last).dropLast()
        #expect(text.hasPrefix("LITELLM_MASTER_KEY=sk-"))
        #expect(key.count == 3 + 64)
        #expect(Set(key.dropFirst(3)).isSubset(of: Set("0123456789abcdef")))
    }

    @Test func `a key of the operator's own is kept, an empty one is not`() throws {
        try scratch.write("secrets.env", "# mine\nexport LITELLM_MASTER_KEY=\"sk-own\"\nOTHER=1", mode: 0o644)
        _ = try set("cost")
        #expect(try scratch.read("secrets.env") == "# mine\nexport LITELLM_MASTER_KEY=\"sk-own\"\nOTHER=1")
        #expect(try FileSystem.status(scratch.path("secrets.env"))?.mode == 0o600)
        try scratch.write("secrets.env", "LITELLM_MASTER_KEY=\nOTHER=1")
        _ = try set("cost")
        #expect(try scratch.read("secrets.env").hasPrefix("LITELLM_MASTER_KEY=\nOTHER=1\nLITELLM_MASTER_KEY=sk-"))
    }

    @Test(arguments: ["", "{", "null", "[1]", "{\"current_profile\": 3}", "{\"current_profile\": \"\"}"])
    func `a state file that says nothing is unknown`(text: String) throws {
        try scratch.write("state.json", text)
        #expect(ProfileState.read(scratch.path("state.json")) == .unknown)
        #expect(ProfileState.read(scratch.path("nowhere.json")) == .unknown)
    }

    @Test func `a failing write says which file it was, and the old one stays`() throws {
        _ = try set("balanced")
        let old = try scratch.read("run/active.yaml")
        // A folder in the place of the state file makes the last step fail, whoever runs the test.
        try FileSystem.remove(paths.stateFile)
        try PrivateDirectory.create(paths.stateFile)
        try scratch.write("run/state.json/x", "")
        let error = #expect(throws: SystemError.self) { try set("cost") }
        #expect(error?.path?.hasSuffix(AtomicFile.temporarySuffix) == true)
        #expect(try scratch.read("run/active.yaml") != old)
        try FileSystem.removeTree(paths.stateFile)
        _ = try set("cost")
        #expect(ProfileState.read(paths.stateFile) == .known(profile: "cost", updatedAt: now.iso8601))
    }

    @Test func `concurrent switches leave files of one profile`() async throws {
        let names = ["reliability", "balanced", "cost"]
        let (paths, now) = (paths, now)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for index in 0..<24 {
                group.addTask {
                    _ = try paths.perform(try Samples.shipped().rendered(names[index % 3]), now: now)
                }
            }
            try await group.waitForAll()
        }
        try expectOneProfile()
        #expect(try scratch.read("secrets.env").split(separator: "\n").count == 1)
    }

    #if DEBUG
        @Test func `killed between any two steps, each file is old or new, and the next switch repairs`() async throws {
            var steps = 0
            for count in 1...200 {
                try FileSystem.removeTree(scratch.path("run"))
                _ = try set("balanced")
                try FileSystem.remove(scratch.path("secrets.env"))
                let folder = scratch.path
                let result = await #expect(processExitsWith: .failure, observing: []) {
                    [folder = folder as String, count = count as Int] in
                    CrashPoint.arm(count: count)
                    let paths = ProfileSwitchTests.paths(in: folder)
                    _ = try? paths.perform(try Samples.shipped().rendered("cost"), now: Timestamp(nanoseconds: 0))
                    // Reached only when every step was taken; another status than that of a kill.
                    struct Finished: Error {}
                    throw Finished()
                }
                try expectWholeFiles()
                let wasKilled = result?.exitStatus == .signal(9)
                if wasKilled { steps += 1 }
                _ = try set("cost")
                try expectOneProfile()
                if !wasKilled { break }
            }
            #expect(steps >= 12)
        }
    #endif

    private func expectWholeFiles() throws {
        let catalog = try Samples.shipped()
        let whole = try ["balanced", "cost"].map { try catalog.rendered($0) }
        let active = try FileSystem.read(paths.activeConfig, limit: 1 << 20)
        #expect(whole.contains { $0.activeFile == active })
        let policy = try FileSystem.read(scratch.path("run/active.gateway.json"), limit: 1 << 20)
        #expect(whole.contains { $0.gatewayPolicy == policy })
        #expect(ProfileState.read(paths.stateFile) != .unknown)
    }

    private func expectOneProfile() throws {
        guard case .known(let name, _) = ProfileState.read(paths.stateFile) else {
            Issue.record("no state")
            return
        }
        let rendered = try Samples.shipped().rendered(name)
        #expect(try FileSystem.read(paths.activeConfig, limit: 1 << 20) == rendered.activeFile)
        let policy = try JSONParser.parse(try FileSystem.read(scratch.path("run/active.gateway.json"), limit: 1 << 20))
        #expect(policy["profile"]?.stringValue == name)
    }

    private var paths: ProfileSwitch { Self.paths(in: scratch.path) }

    private static func paths(in folder: String) -> ProfileSwitch {
        ProfileSwitch(
            activeConfig: folder + "/run/active.yaml", stateFile: folder + "/run/state.json",
            secretsFile: folder + "/secrets.env")
    }

    private func set(_ name: String) throws -> ProfileSwitch.Outcome {
        try paths.perform(try Samples.shipped().rendered(name), now: now)
    }
}
