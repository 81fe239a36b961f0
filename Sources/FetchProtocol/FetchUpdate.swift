// SPDX-License-Identifier: MIT

package import Diagnostics
package import JSONSyntax

/// How far one step of the work is.
package struct FetchProgress: Equatable, Sendable {
    /// What is being fetched: `cliproxyapi_plus`, `litellm`, …
    package let item: String
    /// What is being done with it: `resolve`, `download`, `install`, …
    package let step: String
    /// Free words for people; may be empty.
    package let detail: String
    package let doneBytes: Int?
    package let totalBytes: Int?

    package init(item: String, step: String, detail: String = "", doneBytes: Int? = nil, totalBytes: Int? = nil) {
        self.item = item
        self.step = step
        self.detail = detail
        self.doneBytes = doneBytes
        self.totalBytes = totalBytes
    }
}

/// What the helper says before its result.
package enum FetchUpdate: Equatable, Sendable {
    case progress(FetchProgress)
    /// A warning or a remark for the operator.
    case notice(Diagnostic)
    /// A fact that the command prints as `name=text`, such as a login URL.
    case value(name: String, text: String)
    /// The helper would take a line from the operator now.
    case prompt(String)
}

/// One line from the helper.
package enum FetchMessage: Equatable, Sendable {
    case update(FetchUpdate)
    case result(JSONValue)
    case failure(Diagnostic)
}
