//! A row of the corpus, as `tests/fixtures/vendors/README.md` describes it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// How late a deadline may be where nothing else is said.
pub(crate) const SLACK_MS: u64 = 1_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) source: OneOrMany,
    #[serde(default)]
    pub(crate) redacted: Option<String>,
    #[serde(default)]
    pub(crate) composed: Option<String>,
    pub(crate) provider: Provider,
    pub(crate) now: jiff::Timestamp,
    #[serde(default)]
    pub(crate) model: Option<String>,
    #[serde(default)]
    pub(crate) via: Via,
    pub(crate) response: Response,
    #[serde(default)]
    pub(crate) client: Client,
    pub(crate) expect: Expected,
    pub(crate) why: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Provider {
    pub(crate) pool: String,
    #[serde(default)]
    pub(crate) base_url: Option<String>,
}

/// How the facts reach the daemon.
#[derive(Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Via {
    #[default]
    ReportError,
    /// A success: the headers come with `release`.
    Release,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Response {
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) status: Option<u16>,
    pub(crate) headers: BTreeMap<String, String>,
    #[serde(default)]
    pub(crate) body: Option<Value>,
    #[serde(default)]
    pub(crate) body_text: Option<String>,
}

/// What the client knew beyond the answer, as far as an SDK's exception told it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Client {
    #[serde(default)]
    pub(crate) kind: Option<String>,
    #[serde(default)]
    pub(crate) message: Option<String>,
    #[serde(default)]
    pub(crate) code: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) kind: String,
    pub(crate) scope: String,
    #[serde(deserialize_with = "Option::deserialize")]
    pub(crate) deadline: Option<Deadline>,
    #[serde(default)]
    pub(crate) slack_ms: u64,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deadline {
    AfterMs(u64),
    At(jiff::Timestamp),
}

impl Row {
    pub(crate) fn sources(&self) -> &[String] {
        match &self.source {
            OneOrMany::One(source) => std::slice::from_ref(source),
            OneOrMany::Many(sources) => sources,
        }
    }

    /// What was changed in the answer.
    pub(crate) fn notes(&self) -> impl Iterator<Item = &String> {
        self.redacted.iter().chain(&self.composed)
    }

    pub(crate) fn now_ms(&self) -> u64 {
        milliseconds(self.now)
    }

    /// The expected deadline in milliseconds of Unix time.
    pub(crate) fn deadline_ms(&self) -> Option<u64> {
        self.expect.deadline.map(|deadline| match deadline {
            Deadline::AfterMs(wait) => self.now_ms() + wait,
            Deadline::At(instant) => milliseconds(instant),
        })
    }

    /// How long after `now` this instant is.
    pub(crate) fn wait_ms(&self, until_ms: u64) -> u64 {
        until_ms.saturating_sub(self.now_ms())
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Expected { kind, scope, .. } = &self.expect;
        let wait = self.deadline_ms().map(|deadline| self.wait_ms(deadline));
        write!(f, "{}: expected {kind} {scope} {wait:?}. {} ({})", self.name, self.why, self.sources().join(", "))?;
        self.notes().try_for_each(|note| write!(f, " [{note}]"))
    }
}

/// Where the corpus is.
pub(crate) fn folder() -> PathBuf {
    // The manifest that builds this file may be any of the workspace's.
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest
        .ancestors()
        .map(|folder| folder.join("tests/fixtures/vendors"))
        .find(|folder| folder.is_dir())
        .expect("tests/fixtures/vendors above the manifest")
}

/// The whole corpus, file by file in the order of their names.
pub(crate) fn all() -> Vec<Row> {
    let mut files: Vec<_> = std::fs::read_dir(folder())
        .expect("the corpus' folder")
        .map(|entry| entry.expect("a file").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    files
        .iter()
        .flat_map(|path| {
            let text = std::fs::read_to_string(path).expect("a readable file");
            serde_json::from_str::<Vec<Row>>(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
        })
        .collect()
}

fn milliseconds(instant: jiff::Timestamp) -> u64 {
    instant.as_millisecond().try_into().expect("an instant after 1970")
}
