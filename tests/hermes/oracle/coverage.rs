//! What a run has seen. A comparison that compared nothing would agree with everything.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{What, fields, is_same_choice, kind, pairs};
use super::driver::TheirPool;
use super::intended::INTENDED;
use super::ours::OurPool;
use super::script::Op;

/// Every sort of row whose lease has to have been compared: pool, source and auth type, as Hermes has them.
const KINDS: [&str; 33] = [
    "anthropic claude_code oauth",
    "anthropic env api_key",
    "anthropic env oauth",
    "anthropic hermes_pkce oauth",
    "anthropic manual api_key",
    "anthropic manual:hermes_pkce oauth",
    "azure-foundry manual api_key",
    "custom config api_key",
    "custom manual api_key",
    "custom model_config api_key",
    "deepseek env api_key",
    "deepseek manual api_key",
    "gemini env api_key",
    "gemini manual api_key",
    "google-gemini-cli manual:google_pkce oauth",
    "kimi-coding env api_key",
    "kimi-coding manual api_key",
    "minimax env api_key",
    "minimax manual api_key",
    "minimax-oauth manual:minimax_oauth oauth",
    "minimax-oauth oauth oauth",
    "nous device_code oauth",
    "openai-api env api_key",
    "openai-api manual api_key",
    "openai-codex device_code oauth",
    "openai-codex manual:device_code oauth",
    "openrouter env api_key",
    "openrouter manual api_key",
    "qwen-oauth manual:qwen_cli oauth",
    "qwen-oauth qwen-cli oauth",
    "xai manual api_key",
    "zai env api_key",
    "zai manual api_key",
];

/// Those that only some versions make.
const KINDS_OF_SOME: [(&str, &[&str]); 4] = [
    ("anthropic manual oauth", &["0.19"]),
    ("xai-oauth device_code oauth", &["0.19"]),
    ("xai-oauth loopback_pkce oauth", &["0.17", "0.18"]),
    ("xai-oauth manual:device_code oauth", &["0.19"]),
];

/// What has to have been the same in some row.
const FIELDS: [&str; 8] = ["AuthType", "Availability", "BaseUrl", "Header", "Label", "Secret", "Source", "Until"];

/// The headers that both have to have named.
const HEADERS: [&str; 3] = ["authorization", "x-api-key", "x-goog-api-key"];

/// The states of ours that have to have been compared.
const STATES: [&str; 5] = ["billing", "cooling", "needs_login", "no_secret", "ready"];

/// The strategies, by each of which both have to have chosen the same of several rows.
const STRATEGIES: [&str; 4] = ["fill_first", "least_used", "random", "round_robin"];

/// How often each thing was seen.
#[derive(Debug, Default)]
pub(super) struct Seen {
    operations: BTreeMap<String, usize>,
    kinds: BTreeMap<String, usize>,
    fields: BTreeMap<String, usize>,
    headers: BTreeMap<String, usize>,
    states: BTreeMap<String, usize>,
    strategies: BTreeMap<String, usize>,
    intended: BTreeMap<String, usize>,
}

impl Seen {
    /// Hermes did this.
    pub(super) fn done(&mut self, op: &Op) {
        note(&mut self.operations, &op.name());
    }

    /// A pool was compared.
    pub(super) fn pool(&mut self, theirs: &TheirPool, ours: &OurPool) {
        // A pool of which all have been used as often is as good as one that is filled first.
        let is_telling = theirs.strategy != "least_used" || theirs.ranking.first() != theirs.available.first();
        let is_same = ours.strategy == theirs.strategy && is_same_choice(theirs, ours);
        if theirs.ranking.len() > 1 && is_telling && is_same {
            note(&mut self.strategies, &ours.strategy);
        }
        for (theirs_row, ours_row) in pairs(theirs, ours) {
            note(&mut self.states, &ours_row.state);
            for (what, _) in fields(theirs, theirs_row, ours_row).into_iter().filter(|(_, is_same)| *is_same) {
                note(&mut self.fields, &format!("{what:?}"));
                if let (What::Header, Some((name, _))) = (what, &theirs_row.header) {
                    note(&mut self.headers, name);
                }
            }
            if ours_row.lease.as_ref().is_some_and(|lease| lease.secret == theirs_row.secret) {
                note(&mut self.kinds, &kind(theirs, theirs_row));
            }
        }
    }

    /// A difference was met that is meant.
    pub(super) fn intended(&mut self, name: &str) {
        note(&mut self.intended, name);
    }

    /// Panics if a run with this version has not seen everything.
    #[track_caller]
    pub(super) fn check(&self, version: &str) {
        let lack = |seen: &BTreeMap<String, usize>, wanted: &[&str]| -> Vec<String> {
            let wanted: BTreeSet<&str> = wanted.iter().copied().collect();
            wanted.into_iter().filter(|name| !seen.contains_key(*name)).map(str::to_owned).collect()
        };
        let intended: Vec<&str> =
            INTENDED.iter().filter(|intended| intended.is_of(version)).map(|intended| intended.name).collect();
        let of_some = KINDS_OF_SOME.iter().filter(|(_, only)| only.iter().any(|one| version.starts_with(one)));
        let kinds: Vec<&str> = KINDS.iter().copied().chain(of_some.map(|(kind, _)| *kind)).collect();
        let lacking = [
            lack(&self.operations, &Op::NAMES),
            lack(&self.kinds, &kinds),
            lack(&self.fields, &FIELDS),
            lack(&self.headers, &HEADERS),
            lack(&self.states, &STATES),
            lack(&self.strategies, &STRATEGIES),
            lack(&self.intended, &intended),
        ]
        .concat();
        assert!(lacking.is_empty(), "a run with hermes-agent {version} has to have seen {lacking:?}: {self:#?}");
    }
}

fn note(counts: &mut BTreeMap<String, usize>, what: &str) {
    *counts.entry(what.to_owned()).or_default() += 1;
}
