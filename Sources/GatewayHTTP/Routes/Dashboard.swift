// SPDX-License-Identifier: MIT

internal import NIOCore

/// The operator's page on the admin side: what `/providers` and `/routing/analytics` say, anew every two seconds.
///
/// The page itself holds nothing secret and needs no key; it asks for the admin key and keeps it for the browser's tab only.
/// Names from the configuration are put in as text, never as markup.
enum Dashboard {
    static var answer: Answer {
        var answer = Answer(status: 200, body: ByteBuffer(string: page), contentType: "text/html; charset=utf-8")
        answer.headers = [
            (
                "content-security-policy",
                "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
                    + "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ), ("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"), ("cache-control", "no-store"),
        ]
        return answer
    }

    private static let page = """
        <!doctype html>
        <html lang="en">
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width">
        <title>llm-router gateway</title>
        <style>
          :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
          body { margin: 2rem auto; max-width: 70rem; padding: 0 1rem; }
          table { border-collapse: collapse; width: 100%; }
          th, td { padding: .35rem .6rem; text-align: right; border-bottom: 1px solid #8884; }
          th:first-child, td:first-child, th:nth-child(2), td:nth-child(2) { text-align: left; }
          .down { color: #c33; } .totals { display: flex; flex-wrap: wrap; gap: 1.5rem; margin: 1rem 0; }
          .totals b { display: block; font-size: 1.5rem; }
        </style>
        <h1>llm-router gateway</h1>
        <form id="login" hidden><label>Admin key <input id="key" type="password" autocomplete="off"></label>
          <button>Show</button></form>
        <p id="problem" role="alert"></p>
        <div class="totals" id="totals"></div>
        <table><thead><tr><th>Provider<th>Model group<th>Breaker<th>Requests<th>Success<th>Latency ms<th>Up</thead>
          <tbody id="rows"></tbody></table>
        <script>
          const $ = id => document.getElementById(id);
          const percent = part => part == null ? "–" : (100 * part).toFixed(1) + " %";
          let key = sessionStorage.getItem("admin-key") || "";
          async function ask(path) {
            const headers = key ? { Authorization: "Bearer " + key } : {};
            const answer = await fetch(path, { headers, cache: "no-store" });
            if (answer.status === 401) { $("login").hidden = false; throw new Error("The admin key is needed."); }
            if (!answer.ok) throw new Error(path + " answered " + answer.status);
            return answer.json();
          }
          function cells(row, texts) { for (const text of texts) row.insertCell().textContent = text; }
          function total(name, value) {
            const box = document.createElement("span"), number = document.createElement("b");
            number.textContent = value;
            box.append(number, name);
            return box;
          }
          async function show() {
            try {
              const [providers, analytics] = await Promise.all([ask("/providers"), ask("/routing/analytics")]);
              const all = analytics.global;
              $("totals").replaceChildren(
                total("requests", all.total_requests), total("success", percent(all.success_rate)),
                total("mean latency, ms", all.avg_latency_ms.toFixed(0)),
                total("spent", "$" + all.total_cost.toFixed(4)));
              $("rows").replaceChildren();
              for (const provider of providers) {
                const seen = analytics.providers[provider.name] || {};
                const row = $("rows").insertRow();
                cells(row, [provider.name, provider.group, provider.circuit_status, seen.requests || 0,
                  percent(seen.success_rate), (seen.avg_latency_ms || 0).toFixed(0), provider.is_down ? "no" : "yes"]);
                if (provider.is_down || provider.circuit_status !== "CLOSED") row.className = "down";
              }
              $("problem").textContent = "";
              $("login").hidden = true;
            } catch (error) { $("problem").textContent = error.message; }
          }
          $("login").addEventListener("submit", event => {
            event.preventDefault();
            key = $("key").value;
            sessionStorage.setItem("admin-key", key);
            show();
          });
          show();
          setInterval(show, 2000);
        </script>
        </html>

        """
}
