// SPDX-License-Identifier: MIT

/// The ways in which a release host behaves, good and bad; `--scenario WORD` or `POST /_control?scenario=WORD`.
enum Scenario: String, CaseIterable, Sendable {
    case ok

    // What the API says.
    case rateLimit = "rate-limit"
    case tooManyRequests = "too-many-requests"
    case errorOnce = "error-once"
    case html
    case noAsset = "no-asset"
    case otherSpelling = "other-spelling"
    case twins
    case onlyNoPlugin = "only-no-plugin"
    case uploading
    case hangingAPI = "hanging-api"

    // What is said about the bytes.
    case noDigest = "no-digest"
    case noChecksums = "no-checksums"
    case unverifiable
    case wrongDigest = "wrong-digest"
    case disagree
    case partialChecksums = "partial-checksums"
    case onlyPartialChecksums = "only-partial-checksums"
    case starredChecksums = "starred-checksums"

    // How the bytes come.
    case cutOnce = "cut-once"
    case cutAlways = "cut-always"
    case stallOnce = "stall-once"
    case stallAlways = "stall-always"
    case resetOnce = "reset-once"
    case noRanges = "no-ranges"
    case noValidators = "no-validators"
    case changed
    case wrongRange = "wrong-range"
    case redirectLoop = "redirect-loop"
    case refusedDownload = "refused-download"
    case missingDownload = "missing-download"

    // What is in the archive.
    case zip
    case withoutProgram = "without-program"
    case otherProgram = "other-program"
    case emptyProgram = "empty-program"
    case textProgram = "text-program"
    case otherMachine = "other-machine"
    case traversal
    case absolute
    case symlink
    case hardlink
    case device
    case bomb
    case hugeMember = "huge-member"
    case notAnArchive = "not-an-archive"
    case trailingBytes = "trailing-bytes"
}
