//! auth.json as Hermes Agent writes it.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use serde_json::{Map, Value, json};

use super::secret;

/// A store of credentials.
#[derive(Clone, Default)]
pub(crate) struct AuthJson {
    pools: Map<String, Value>,
    extra: Map<String, Value>,
}

/// One credential of it.
#[derive(Clone)]
pub(crate) struct Row(Map<String, Value>);

impl Row {
    /// An API key added by hand. Its label is `label`, its id and secret follow from it.
    pub(crate) fn key(label: &str) -> Self {
        let row = json!({
            "id": id_of(label),
            "label": label,
            "auth_type": "api_key",
            "priority": 0,
            "source": "manual",
            "access_token": secret(label),
            "last_status": null,
            "last_status_at": null,
            "last_error_code": null,
            "last_error_reason": null,
            "last_error_message": null,
            "last_error_reset_at": null,
            "base_url": "https://openrouter.ai/api/v1",
            "request_count": 0,
        });
        let Value::Object(row) = row else { unreachable!("an object was written") };
        Self(row)
    }

    /// A key that lives in an environment variable: Hermes keeps its fingerprint only.
    pub(crate) fn env(variable: &str) -> Self {
        Self::key(variable).set("source", json!(format!("env:{variable}"))).without("access_token")
    }

    pub(crate) fn set(mut self, field: &str, value: Value) -> Self {
        self.0.insert(field.to_owned(), value);
        self
    }

    pub(crate) fn without(mut self, field: &str) -> Self {
        self.0.remove(field);
        self
    }

    /// Another secret: what a rotation leaves behind.
    pub(crate) fn secret(self, secret: &str) -> Self {
        self.set("access_token", json!(secret))
    }

    pub(crate) fn id(&self) -> String {
        self.0["id"].as_str().expect("an id").to_owned()
    }
}

impl AuthJson {
    /// One pool, `openrouter`, with API keys of these labels, in this order of priority.
    pub(crate) fn keys<L: AsRef<str>>(labels: impl IntoIterator<Item = L>) -> Self {
        Self::default().pool("openrouter", labels.into_iter().map(|label| Row::key(label.as_ref())))
    }

    /// As `keys`, with `count` keys called `key-0`, `key-1`, …
    pub(crate) fn many(count: usize) -> Self {
        Self::keys((0..count).map(|number| format!("key-{number}")))
    }

    /// Adds a pool. Priorities follow the order, unless a row has one already.
    pub(crate) fn pool(mut self, name: &str, rows: impl IntoIterator<Item = Row>) -> Self {
        let rows = rows.into_iter().enumerate().map(|(rank, row)| match row.0["priority"] {
            Value::Number(ref number) if number.as_u64() == Some(0) => {
                Value::Object(row.set("priority", json!(rank)).0)
            }
            _ => Value::Object(row.0),
        });
        self.pools.insert(name.to_owned(), rows.collect());
        self
    }

    /// Adds a pool whose rows are anything at all.
    pub(crate) fn raw_pool(mut self, name: &str, rows: Value) -> Self {
        self.pools.insert(name.to_owned(), rows);
        self
    }

    /// Adds a key beside `credential_pool`.
    pub(crate) fn top(mut self, key: &str, value: Value) -> Self {
        self.extra.insert(key.to_owned(), value);
        self
    }

    /// The file's text, as Hermes lays it out.
    pub(crate) fn text(&self) -> String {
        let mut store = Map::new();
        store.insert("version".to_owned(), json!(1));
        store.insert("providers".to_owned(), json!({}));
        store.insert("credential_pool".to_owned(), Value::Object(self.pools.clone()));
        store.extend(self.extra.clone());
        store.insert("updated_at".to_owned(), json!("2026-11-23T21:20:39.530077+00:00"));
        serde_json::to_string_pretty(&store).expect("JSON can be written") + "\n"
    }

    /// Puts the store where `path` says, as Hermes does, in a folder that is made if need be.
    pub(crate) fn write(&self, path: &Path) {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder can be made");
        replace_file(path, self.text().as_bytes());
    }
}

/// Replaces a file as Hermes does: a new one beside it, 0600, synced, renamed over it, the folder synced.
pub(crate) fn replace_file(path: &Path, bytes: &[u8]) {
    let folder = path.parent().expect("a path in a folder");
    let beside = folder.join(format!("auth.json.tmp.{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).expect("a new file");
    file.write_all(bytes).and_then(|()| file.sync_all()).expect("the file takes its bytes");
    std::fs::rename(&beside, path).expect("the file can be renamed");
    File::open(folder).and_then(|folder| folder.sync_all()).expect("the folder can be synced");
}

/// Six hex digits, as Hermes draws them, but the same ones for the same label (FNV-1a).
fn id_of(label: &str) -> String {
    let hash = label
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    format!("{:06x}", hash & 0x00ff_ffff)
}
