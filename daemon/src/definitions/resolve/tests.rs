mod endpoints;
mod files;
mod logins;
mod tokens;
mod unserved;
mod variables;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use super::super::dotenv::Dotenv;
use super::super::hermes_config::HermesConfig;
use super::super::side_file::Moment;
use super::super::store::Store;
use super::super::token_file::TokenFiles;
use super::*;

/// A Hermes home in a folder of its own, and what is around it.
struct World {
    folder: tempfile::TempDir,
    store: Value,
    root: Option<Value>,
    dotenv: String,
    config: String,
    env: BTreeMap<String, String>,
    problems: RefCell<Vec<Problem>>,
}

fn world(store: Value) -> World {
    World {
        folder: tempfile::tempdir().expect("a folder"),
        store,
        root: None,
        dotenv: String::new(),
        config: String::new(),
        env: BTreeMap::new(),
        problems: RefCell::default(),
    }
}

/// One pool of these rows.
fn pool(name: &str, rows: Value) -> World {
    let mut store = json!({ "credential_pool": {} });
    store["credential_pool"][name] = rows;
    world(store)
}

impl World {
    fn dotenv(self, text: &str) -> Self {
        Self { dotenv: text.to_owned(), ..self }
    }

    fn config(self, text: &str) -> Self {
        Self { config: text.to_owned(), ..self }
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Puts a file into the folder, which is the user's home and the Hermes home in one.
    fn file(self, name: &str, content: &Value) -> Self {
        let path = self.folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).expect("a folder");
        std::fs::write(path, content.to_string()).expect("a file");
        self
    }

    fn rows(&self, pool: &str) -> Vec<Row> {
        let parse = |value: &Value| Store::parse(value.to_string().as_bytes(), 100).expect("a store");
        let (store, root) = (parse(&self.store), self.root.as_ref().map(parse));
        let mut problems = store.problems.clone();
        let config = HermesConfig::parse(self.config.as_bytes(), &mut problems).expect("YAML");
        let mut files = TokenFiles::new(self.folder.path(), Some(self.folder.path()));
        files.read(Moment { now: Instant::now(), is_away: false }, |_| true, &mut problems);
        let dotenv = Dotenv::parse(self.dotenv.as_bytes());
        let places = Places {
            dotenv: &dotenv,
            config: &config,
            store: Some(&store),
            root: root.as_ref(),
            files: &files,
            env: &|name| self.env.get(name).cloned(),
        };
        let stored = store.pools.get(pool).or_else(|| root.as_ref()?.pools.get(pool)).map_or(&[][..], Vec::as_slice);
        let rows = rows(pool, stored, &places, &|_| LegacyState::default(), &mut problems);
        for row in &rows {
            assert_ne!(row.secret.is_some(), row.unresolved.is_some(), "{row:?}");
        }
        *self.problems.borrow_mut() = problems;
        rows
    }

    /// The one row of `pool`.
    #[track_caller]
    fn row(&self, pool: &str) -> Row {
        let rows = self.rows(pool);
        assert_eq!(rows.len(), 1, "{rows:?}");
        rows.into_iter().next().expect("one row")
    }

    #[track_caller]
    fn secret(&self, pool: &str) -> String {
        let row = self.row(pool);
        row.secret.as_ref().unwrap_or_else(|| panic!("{row:?}")).expose().to_owned()
    }

    /// Why the one row of `pool` has no secret.
    #[track_caller]
    fn reason(&self, pool: &str) -> String {
        self.row(pool).unresolved.expect("no secret")
    }

    /// The sources of `pool` that have a secret, in order.
    fn served(&self, pool: &str) -> Vec<String> {
        self.rows(pool).into_iter().filter(|row| row.secret.is_some()).map(|row| row.source).collect()
    }
}

fn borrowed(source: &str) -> Value {
    json!([{ "id": "b", "source": source, "secret_fingerprint": "sha256:0123456789abcdef" }])
}

const CLAUDE: &str = ".claude/.credentials.json";

fn claude() -> Value {
    json!({ "claudeAiOauth": { "accessToken": "sk-ant-oat01-claude", "expiresAt": 4_000_000_000_000_u64 } })
}
