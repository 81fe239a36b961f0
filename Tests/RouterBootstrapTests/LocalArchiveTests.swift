// SPDX-License-Identifier: MIT

import Diagnostics
import FetchProtocol
import RouterBootstrap
import SystemIO
import TestSupport
import Testing
import Transfer

struct LocalArchiveTests {
    private let fixture: BootstrapFixture
    private let archive: String

    init() throws {
        fixture = try BootstrapFixture()
        // The release's own file, as an operator would carry it to a machine without a network.
        let name = "CLIProxyAPIPlus_6.8.16-0_linux_amd64.tar.gz"
        let url = try TransferURL(fixture.api + "/a/b/releases/download/v6.8.16-0/" + name)
        let response = try HTTPExchange(settings: BootstrapFixture.settings).get(TransferRequest(url))
        archive = try fixture.scratch.write(name, response.body)
    }

    private func request() -> InstallBinaryRequest {
        InstallBinaryRequest(runtimeDirectory: fixture.runtime, origin: .archive(path: archive))
    }

    @Test func `installs a local archive and prints its sha256`() throws {
        let artifact = try fixture.install(request())
        #expect(artifact.version == "6.8.16-0")
        #expect(artifact.origin == archive)
        #expect(artifact.sha256 == (try Checksum.ofFile(archive).sha256))
        #expect(try fixture.messages().contains(.update(.value(name: "sha256", text: artifact.sha256 ?? ""))))
        #expect(try fixture.installedVersion() == "6.8.16-0")
    }

    @Test func `checksums beside the archive must agree`() throws {
        let digest = try Checksum.ofFile(archive).sha256
        try fixture.scratch.write("checksums.txt", "\(digest) *\(PathName.last(of: archive))\n")
        try fixture.install(request())
        try fixture.scratch.write(PathName.last(of: archive) + ".sha256", String(repeating: "a", count: 64) + "\n")
        #expect(fixture.failure(request())?.code == "bootstrap/checksum-mismatch")
        #expect(try fixture.files().count == 3)
    }

    @Test func `an archive that is not there is said`() throws {
        var request = request()
        request.origin = .archive(path: fixture.scratch.path("none.tar.gz"))
        #expect(fixture.failure(request)?.code == "system/not-found")
    }
}
