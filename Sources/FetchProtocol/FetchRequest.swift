// SPDX-License-Identifier: MIT

package import JSONSyntax

/// A value that crosses the pipe as JSON.
package protocol FetchValue: Equatable, Sendable {
    init(json: JSONValue) throws(FetchProtocolError)
    var json: JSONValue { get }
}

/// One thing that the helper can do. A new one is a type that conforms, and a handler in the helper's `main`.
///
/// `json` reveals secrets: it goes into the helper's standard input and nowhere else.
package protocol FetchRequest: FetchValue {
    associatedtype Answer: FetchValue

    /// The word that names the request on the wire, `area.verb`.
    static var name: String { get }
}

/// An answer that says nothing but "done".
package struct FetchDone: FetchValue {
    package init() {}

    package init(json: JSONValue) throws(FetchProtocolError) {
        _ = try FetchFields(json, of: "done")
    }

    package var json: JSONValue { [:] }
}
