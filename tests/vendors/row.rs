//! A row of the corpus, as `tests/fixtures/vendors/README.md` describes it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

/// How late a deadline may be where nothing else is said.
const SLACK_MS: u64 = 1_000;

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

    /// The body as the bytes of an answer.
    pub(crate) fn body(&self) -> Option<String> {
        let json = self.response.body.as_ref().map(Value::to_string);
        json.or_else(|| self.response.body_text.clone())
    }

    /// Whether this deadline, in milliseconds of Unix time, is the expected one: never early, late by a second at most, or
    /// by what the answer's own rounding leaves open.
    pub(crate) fn meets(&self, until_ms: Option<u64>) -> bool {
        match (until_ms, self.deadline_ms()) {
            (None, None) => true,
            (Some(until), Some(expected)) => {
                (expected..=expected + self.expect.slack_ms.max(SLACK_MS)).contains(&until)
            }
            _ => false,
        }
    }

    /// How long after `now` this instant is.
    pub(crate) fn wait_ms(&self, until_ms: u64) -> u64 {
        until_ms.saturating_sub(self.now_ms())
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
