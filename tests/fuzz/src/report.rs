//! A report as a text that a fuzzer can take apart and a person can read: a response of HTTP, in which the fields that
//! are no header begin with a colon.
//!
//! ```text
//! :pool: openai
//! :status: 429
//! retry-after: 30
//!
//! {"error":{"code":"rate_limit_exceeded"}}
//! ```

use credpool_verdict::{Context, Facts, Scalar};

/// When it happens unless `:now` says otherwise, in milliseconds of Unix time.
const NOW_MS: u64 = 1_795_471_600_000;

/// The facts of a failure, read from a text.
#[derive(Default)]
pub struct Report<'a> {
    headers: Vec<(String, &'a str)>,
    own: Vec<(String, &'a str)>,
    body: Option<&'a str>,
}

impl<'a> Report<'a> {
    /// Reads any text at all.
    #[must_use]
    pub fn parse(text: &'a str) -> Self {
        let (head, body) = text.split_once("\n\n").map_or((text, None), |(head, body)| (head, Some(body)));
        let mut report = Self { body, ..Self::default() };
        for line in head.lines() {
            let (fields, line) = match line.strip_prefix(':') {
                Some(line) => (&mut report.own, line),
                None => (&mut report.headers, line),
            };
            if let Some((name, value)) = line.split_once(": ") {
                fields.push((name.to_ascii_lowercase(), value));
            }
        }
        report
    }

    /// Hands it over as the classifier wants it.
    pub fn with<T>(&self, f: impl FnOnce(&Facts<'_>, &Context<'_>) -> T) -> T {
        let own = |name: &str| self.own.iter().find(|(own, _)| own == name).map(|(_, value)| *value);
        let headers: Vec<(&str, &str)> = self.headers.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let facts = Facts {
            status: own("status").and_then(|status| status.parse().ok()),
            headers: &headers,
            body: self.body,
            message: own("message"),
            code: own("code"),
            kind: own("kind"),
            model: own("model"),
            reset_at: own("reset_at").map(Scalar::Text),
            resets_at: own("resets_at").map(Scalar::Text),
            retry_until: own("retry_until").map(Scalar::Text),
            retry_after: own("retry_after").map(Scalar::Text),
        };
        let now_wall_ms = own("now").and_then(|now| now.parse().ok()).unwrap_or(NOW_MS);
        f(&facts, &Context { now_wall_ms, pool: own("pool").unwrap_or_default(), base_url: own("base_url") })
    }
}
