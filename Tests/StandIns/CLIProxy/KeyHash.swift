// SPDX-License-Identifier: MIT

internal import SystemIO

#if canImport(Glibc)
    internal import Glibc
#else
    internal import Darwin
#endif

/// The hash of the management key as the server keeps it in its config file.
enum KeyHash {
    static func isHash(_ text: String) -> Bool {
        ["$2a$", "$2b$", "$2y$"].contains { text.hasPrefix($0) }
    }

    static func hash(_ key: String) -> String {
        let alphabet = Array("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        var salt = (0..<21).map { _ in alphabet[Int.random(in: 0..<64)] }
        // The last letter of a salt carries two bits only.
        salt.append([".", "O", "e", "u"][Int.random(in: 0..<4)])
        return digest(key, setting: "$2a$10$" + String(salt))
    }

    static func matches(_ key: String, _ hash: String) -> Bool {
        hash.utf8.count == 60 && digest(key, setting: String(hash.prefix(29))) == hash
    }

    /// bcrypt from the system's libcrypt; where it has none, an equally long made-up digest that only this program knows.
    private static func digest(_ key: String, setting: String) -> String {
        if let crypt, let result = crypt(key, setting) {
            let text = String(cString: result)
            if text.utf8.count == 60 { return text }
        }
        var state: UInt64 = 0xCBF2_9CE4_8422_2325
        var letters = ""
        let alphabet = Array("./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789")
        for round in 0..<31 {
            for byte in Array((setting + key).utf8) + [UInt8(round)] {
                state = (state ^ UInt64(byte)) &* 0x100_0000_01B3
            }
            letters.append(alphabet[Int(state >> 58)])
        }
        return setting + letters
    }

    private typealias Crypt =
        @convention(c) (UnsafePointer<CChar>, UnsafePointer<CChar>) -> UnsafeMutablePointer<CChar>?

    /// Only called from the actor that owns the server's state, one call at a time.
    private static let crypt: Crypt? = {
        guard let library = dlopen("libcrypt.so.1", RTLD_NOW), let symbol = dlsym(library, "crypt") else { return nil }
        return unsafeBitCast(symbol, to: Crypt.self)
    }()
}
