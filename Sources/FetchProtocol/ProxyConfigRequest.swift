// SPDX-License-Identifier: MIT

package import Diagnostics
package import JSONSyntax

/// Changes single values of the server's own `cliproxyapi.yaml`, keeping all that it or the operator wrote.
package struct ProxyConfigRequest: FetchRequest {
    package typealias Answer = ProxyConfigAnswer

    package static let name = "auth.proxy-config"

    /// A key below the top level is written with a point: `remote-management.secret-key`.
    package struct Change: Equatable, Sendable {
        package let key: String
        /// A string, number, truth value, or list of strings.
        package let value: JSONValue

        package init(_ key: String, _ value: JSONValue) {
            self.key = key
            self.value = value
        }
    }

    package var path: String
    package var changes: [Change]
    /// The running server, which then applies the change at once; nil writes the file in place.
    package var server: String?
    package var key: Secret<String>?

    package init(path: String, changes: [Change], server: String? = nil, key: Secret<String>? = nil) {
        self.path = path
        self.changes = changes
        self.server = server
        self.key = key
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        let fields = try FetchFields(json, of: Self.name)
        path = try fields.string("path")
        server = try fields.optionalString("server")
        key = try fields.optionalString("key").map { Secret($0) }
        changes = []
        for value in try fields.values("changes") {
            let members = try FetchFields(value, of: "change")
            changes.append(Change(try members.string("key"), try members.value("value")))
        }
    }

    package var json: JSONValue {
        [
            "path": .string(path), "server": JSONValue(server), "key": JSONValue(key?.reveal()),
            "changes": .array(changes.map { ["key": .string($0.key), "value": $0.value] }),
        ]
    }
}

/// How the values reached the server, if they had to.
package struct ProxyConfigAnswer: FetchValue {
    /// `file`, `server` (through the management API), or `none` when nothing had to be changed.
    package let way: String

    package init(way: String) {
        self.way = way
    }

    package init(json: JSONValue) throws(FetchProtocolError) {
        way = try FetchFields(json, of: "proxy config answer").string("way")
    }

    package var json: JSONValue { ["way": .string(way)] }
}
