// SPDX-License-Identifier: MIT

package import JSONSyntax

/// How results are printed.
package enum OutputFormat: String, Sendable, CaseIterable {
    /// Stable lines that scripts may grep.
    case text
    /// One object with a `schema` number.
    case json
}

/// The facts that a command prints, in each of its forms.
package struct Report: Sendable {
    /// Raised when a member changes its meaning or goes away; added members keep it.
    package var schema = 1
    package var lines: [String]
    package var json: JSONObject
    /// The same facts for a terminal.
    package var table: Table?

    package init(lines: [String], json: JSONObject, table: Table? = nil) {
        self.lines = lines
        self.json = json
        self.table = table
    }
}

/// Rows with aligned columns.
package struct Table: Sendable {
    package var header: [String]
    package var rows: [[String]]
    /// Lines below the table.
    package var footer: [String]

    package init(header: [String], rows: [[String]], footer: [String] = []) {
        self.header = header
        self.rows = rows
        self.footer = footer
    }

    package var rendered: [String] {
        let all = [header] + rows
        let widths = header.indices.map { column in
            all.map { column < $0.count ? $0[column].unicodeScalars.count : 0 }.max() ?? 0
        }
        let body = all.map { row in
            let cells = row.enumerated().map { column, cell in
                column == row.count - 1
                    ? cell : cell + String(repeating: " ", count: widths[column] - cell.unicodeScalars.count)
            }
            return cells.joined(separator: "  ")
        }
        return body + footer
    }
}
