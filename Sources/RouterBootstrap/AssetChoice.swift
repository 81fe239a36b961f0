// SPDX-License-Identifier: MIT

/// Decides which file of a release is for this machine, and what its bytes must be.
package struct AssetChoice: Equatable, Sendable {
    package static let checksumsName = "checksums.txt"
    private static let endings = [".tar.gz", ".tgz", ".zip"]

    /// The file for `platform`.
    ///
    /// Names are matched at their end (`_<system>_<processor>.tar.gz`), so that another flavour of the same platform
    /// never passes for it; a `_no-plugin` file is taken only where it is the only one.
    package static func asset(in release: Release, for platform: HostPlatform) throws(BootstrapError) -> Release.Asset {
        for flavour in ["", "_no-plugin"] {
            for architecture in platform.architectures {
                for ending in endings {
                    let suffix = "_\(platform.system)_\(architecture)\(flavour)\(ending)"
                    let matches = release.assets.filter { $0.name.hasSuffix(suffix) }
                    guard let first = matches.first else { continue }
                    guard matches.count == 1 else {
                        throw .ambiguousAsset(tag: release.tag, names: matches.map(\.name))
                    }
                    guard first.isUploaded else { throw .notUploaded(tag: release.tag, asset: first.name) }
                    guard FileNames.isSafe(first.name) else { throw .unsafeName(first.name) }
                    return first
                }
            }
        }
        throw .noAsset(
            tag: release.tag, system: platform.system, architecture: platform.architectures[0],
            names: release.assets.map(\.name).filter { $0 != checksumsName })
    }

    /// The one sha256 that all who name one agree on; nil when nobody does.
    package static func digest(
        of asset: Release.Asset, checksums: ChecksumFile?
    ) throws(BootstrapError) -> String? {
        let listed = checksums?[asset.name]
        if let host = asset.sha256, let listed, host != listed {
            throw .digestsDisagree(asset: asset.name, host: host, listed: listed)
        }
        return asset.sha256 ?? listed
    }
}

/// Names from the network that become parts of paths.
enum FileNames {
    /// Letters, digits and `._+-`, not starting with a dot or dash, and of reasonable length.
    static func isSafe(_ name: String) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 200 else { return false }
        guard first != UInt8(ascii: "."), first != UInt8(ascii: "-") else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "+"),
                UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}
