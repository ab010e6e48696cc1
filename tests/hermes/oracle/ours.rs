//! What the daemon would lease from the same home.

use serde_json::{Value, json};

use super::driver::TheirPool;
use crate::support::Wire;

/// What it would lease from one pool to the agents of one profile.
#[derive(Debug, Default)]
pub(super) struct OurPool {
    pub(super) strategy: String,
    /// What an acquire without any wishes would get.
    pub(super) choice: Option<String>,
    /// The rows, in order.
    pub(super) rows: Vec<OurRow>,
}

/// One of its rows.
#[derive(Debug)]
pub(super) struct OurRow {
    pub(super) id: String,
    pub(super) label: String,
    pub(super) source: String,
    pub(super) auth_type: String,
    pub(super) state: String,
    /// Whether a pin on it would be granted.
    pub(super) eligible: bool,
    /// When its restrictions end, if it has any.
    pub(super) ends: Option<Ends>,
    /// The lease that a pin on it gets once everything is cleared; `None` if even then nothing is to be had.
    pub(super) lease: Option<OurLease>,
}

/// When restrictions end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ends {
    /// In milliseconds of Unix time.
    AtMs(u64),
    /// Not until a person helps.
    Never,
}

/// The credential of a lease.
#[derive(Debug)]
pub(super) struct OurLease {
    pub(super) secret: String,
    pub(super) base_url: Option<String>,
    pub(super) header: (String, String),
    /// When it says that the secret runs out, in milliseconds of Unix time.
    pub(super) secret_expires_at_ms: Option<u64>,
    /// Whether it says that the secret has run out.
    pub(super) expired: bool,
}

impl OurRow {
    /// Whether its lease says that the secret has run out.
    pub(super) fn is_expired(&self) -> bool {
        self.lease.as_ref().is_some_and(|lease| lease.expired)
    }
}

/// Asks about each of `pools`. Everything that restricts them is cleared on the way.
pub(super) fn pools(wire: &mut Wire, pools: &[TheirPool]) -> Vec<OurPool> {
    let explained: Vec<Option<Value>> = pools.iter().map(|theirs| explained(wire, theirs)).collect();
    // Only now, for what is cleared in one profile is cleared in all.
    for theirs in pools {
        wire.ask(&json!({"op": "clear", "pool": theirs.pool}));
    }
    let answers = pools.iter().zip(explained);
    answers.map(|(theirs, explained)| explained.map(|answer| pool(wire, theirs, &answer)).unwrap_or_default()).collect()
}

fn about(op: &str, pool: &TheirPool) -> Value {
    let profile = if pool.profile.is_empty() { "default" } else { &pool.profile };
    json!({"op": op, "pool": pool.pool, "profile": profile})
}

fn explained(wire: &mut Wire, theirs: &TheirPool) -> Option<Value> {
    let answer = wire.ask(&about("explain", theirs));
    if answer["error"]["code"] == "unknown_pool" {
        return None;
    }
    assert_eq!(answer["ok"], true, "{} of {:?} is not explained: {answer:#}", theirs.pool, theirs.profile);
    let candidates = answer["candidates"].as_array().expect("a list");
    assert_eq!(json!(candidates.len()), answer["total"], "not all candidates fit into one answer");
    Some(answer)
}

fn pool(wire: &mut Wire, theirs: &TheirPool, explained: &Value) -> OurPool {
    let status = wire.ok(&about("status", theirs))["pools"][0].clone();
    let profile = about("", theirs)["profile"].clone();
    // A pool says it of each profile where there are several.
    let mut of_profiles = status["profiles"].as_array().into_iter().flatten();
    let of_profile = of_profiles.find(|of| of["profile"] == profile).unwrap_or(&status);
    let candidates = explained["candidates"].as_array().expect("a list");
    OurPool {
        strategy: text(&of_profile["strategy"]),
        choice: explained["choice"]["id"].as_str().map(str::to_owned),
        rows: candidates.iter().map(|candidate| row(wire, theirs, candidate, &status)).collect(),
    }
}

/// A row, of which `explain` says whether it can be had, a lease how it is used, and `status` the rest.
fn row(wire: &mut Wire, theirs: &TheirPool, candidate: &Value, status: &Value) -> OurRow {
    let id = text(&candidate["id"]);
    let mut request = about("acquire", theirs);
    request["credential"] = json!(id);
    let granted = wire.ask(&request);
    let credential = &granted["credential"];
    if granted["ok"] == true {
        wire.ok(&json!({"op": "release", "lease": granted["lease"]}));
    }
    let known = known(status, &id);
    OurRow {
        id,
        label: text(&candidate["label"]),
        source: text(&known["source"]),
        auth_type: text(if granted["ok"] == true { &credential["auth_type"] } else { &known["auth_type"] }),
        state: text(&candidate["state"]),
        eligible: candidate["eligible"] == true,
        ends: ends(candidate),
        lease: lease(&granted),
    }
}

/// When the last of what keeps it from being leased ends.
fn ends(candidate: &Value) -> Option<Ends> {
    let reasons = candidate["reasons"].as_array().into_iter().flatten();
    let restrictions = reasons.filter_map(|reason| reason.get("restriction"));
    restrictions.map(|restriction| restriction["until_at_ms"].as_u64().map_or(Ends::Never, Ends::AtMs)).max()
}

/// What `status` has of a row, in the words of its profile.
fn known<'a>(status: &'a Value, id: &str) -> &'a Value {
    let known = status["credentials"].as_array().expect("a list");
    known.iter().find(|known| known["id"] == id).unwrap_or_else(|| panic!("{status:#} lacks {id}"))
}

/// `None` where there is no lease, or one that says where else its secret is to be had.
fn lease(granted: &Value) -> Option<OurLease> {
    let credential = &granted["credential"];
    let auth = &credential["auth"];
    Some(OurLease {
        secret: credential["secret"].as_str()?.to_owned(),
        base_url: credential["base_url"].as_str().map(str::to_owned),
        header: (text(&auth["header"]).to_ascii_lowercase(), text(&auth["prefix"])),
        secret_expires_at_ms: credential["secret_expires_at_ms"].as_u64(),
        expired: granted["expired"] == true,
    })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}
