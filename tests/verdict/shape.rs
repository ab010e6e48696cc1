//! A response to be judged.

use credpool_verdict::{Context, Facts, QuotaWindow, Scope, Verdict, classify, quota_windows};

/// 2026-11-23T22:06:40Z.
pub(crate) const NOW: u64 = 1_795_471_600_000;

/// The response of a vendor; the request was for the model `m` unless something else is said.
#[derive(Clone, Default)]
pub(crate) struct Shape {
    pool: &'static str,
    model: Option<&'static str>,
    status: Option<u16>,
    headers: Vec<(&'static str, &'static str)>,
    body: Option<String>,
    message: Option<String>,
}

impl Shape {
    pub(crate) fn of(pool: &'static str) -> Self {
        Self { pool, model: Some("m"), ..Self::default() }
    }

    pub(crate) fn model(self, model: Option<&'static str>) -> Self {
        Self { model, ..self }
    }

    pub(crate) fn status(self, status: u16) -> Self {
        Self { status: Some(status), ..self }
    }

    pub(crate) fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(crate) fn body(self, body: impl Into<String>) -> Self {
        Self { body: Some(body.into()), ..self }
    }

    /// An error as OpenAI has it.
    pub(crate) fn error(self, kind: &str, code: &str, message: &str) -> Self {
        let message = message.replace('"', "\\\"");
        self.body(format!(r#"{{"error":{{"message":"{message}","type":"{kind}","param":null,"code":"{code}"}}}}"#))
    }

    pub(crate) fn message(self, message: impl Into<String>) -> Self {
        Self { message: Some(message.into()), ..self }
    }

    fn facts(&self) -> Facts<'_> {
        Facts {
            status: self.status,
            headers: &self.headers,
            body: self.body.as_deref(),
            message: self.message.as_deref(),
            model: self.model,
            ..Facts::default()
        }
    }

    fn context(&self) -> Context<'_> {
        Context { now_wall_ms: NOW, pool: self.pool, base_url: None }
    }

    pub(crate) fn verdict(&self) -> Verdict {
        classify(&self.facts(), &self.context())
    }

    pub(crate) fn windows(&self) -> Vec<QuotaWindow> {
        quota_windows(&self.facts(), &self.context())
    }

    /// Panics unless it is judged by this rule to be of this kind and about this.
    #[track_caller]
    pub(crate) fn is(&self, rule: &str, kind: &str, scope: &str) -> &Self {
        let verdict = self.verdict();
        let found = (verdict.rule, verdict.kind.as_str(), word(verdict.scope, verdict.model));
        assert_eq!(found, (rule, kind, scope), "{:?} {:?}\n{verdict:#?}", self.body, self.message);
        self
    }

    /// Panics unless the hint is over this many milliseconds from now, by either clock.
    #[track_caller]
    pub(crate) fn for_ms(&self, ms: u64) -> &Self {
        let verdict = self.verdict();
        let hint = verdict.hint.unwrap_or_default();
        let found = hint.after_ms.max(hint.at_ms.map(|at| at - NOW));
        assert_eq!(found, Some(ms), "{verdict:#?}");
        self
    }

    /// Panics if there is a hint.
    #[track_caller]
    pub(crate) fn for_nobody_knows(&self) -> &Self {
        let verdict = self.verdict();
        assert_eq!(verdict.hint, None, "{verdict:#?}");
        self
    }
}

/// The scope as the protocol calls it.
fn word(scope: Scope, model: bool) -> &'static str {
    match (scope, model) {
        (Scope::Credential, false) => "credential",
        (Scope::Credential, true) => "model",
        (Scope::Account, false) => "account",
        (Scope::Account, true) => "account_model",
        (Scope::Pool, false) => "pool",
        (Scope::Pool, true) => "pool_model",
        (Scope::None, _) => "none",
    }
}
