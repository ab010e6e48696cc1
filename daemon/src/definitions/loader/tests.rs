use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::sync::Mutex;

use credpool_verdict::Kind;
use nix::sys::stat::Mode;
use nix::unistd::{Uid, chown, geteuid, mkfifo};
use serde_json::{Value, json};

use super::super::side_file::PATIENCE;
use super::*;
use crate::config::{AuthType, Cli};
use crate::definitions::{Row, SecretRef};

struct Fixture {
    folder: tempfile::TempDir,
    variables: Arc<Mutex<BTreeMap<String, String>>>,
    loader: Loader,
    now: Instant,
}

impl Fixture {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let variables = Arc::new(Mutex::new(BTreeMap::<String, String>::new()));
        let seen = Arc::clone(&variables);
        let env: Env = Box::new(move |name| seen.lock().expect("a lock").get(name).cloned());
        let loader = Loader::new(load_config(folder.path(), config), env);
        Self { folder, variables, loader, now: Instant::now() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, content: &str) {
        fs::write(self.path(name), content).expect("a file");
        fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).expect("permissions");
    }

    fn write_rows(&self, rows: &Value) {
        self.write("auth.json", &json!({ "credential_pool": { "p": rows } }).to_string());
    }

    fn set(&self, name: &str, value: &str) {
        self.variables.lock().expect("a lock").insert(name.to_owned(), value.to_owned());
    }

    fn read(&mut self) -> LoadOutcome {
        self.loader.load(self.now)
    }

    /// What a load says of changes and of auth.json, and the ids in pool `p`.
    fn load(&mut self) -> (bool, bool, bool, Vec<String>) {
        let outcome = self.read();
        let ids = rows(&outcome, "p").iter().map(|row| row.id.clone()).collect();
        (outcome.changed, outcome.legacy_changed, outcome.ok, ids)
    }
}

fn load_config(home: &Path, text: &str) -> Config {
    let file = home.join("credpool.toml");
    fs::write(&file, text).expect("a file");
    let auth_file = home.join("auth.json");
    let args = [
        "credpoold".to_owned(),
        format!("--config={}", file.display()),
        format!("--auth-file={}", auth_file.display()),
    ];
    let cli = Cli::parse_from(args).expect("a command line");
    Config::load(&cli, |_| None, Some(home)).expect("a configuration")
}

fn rows<'a>(outcome: &'a LoadOutcome, pool: &str) -> &'a [Row] {
    outcome.definitions.pools.get(pool).map_or(&[], |pool| &pool.rows)
}

fn secret(row: &Row) -> Option<&str> {
    row.secret.as_ref().map(crate::definitions::Secret::expose)
}

fn places(outcome: &LoadOutcome) -> Vec<String> {
    let name = |place: &str| place.rsplit('/').next().unwrap_or_default().to_owned();
    outcome.problems.iter().map(|problem| format!("{} {}", name(&problem.place), problem.problem)).collect()
}

#[test]
fn a_file_of_hermes_is_served() {
    let mut fixture = Fixture::new("");
    fixture.write("auth.json", include_str!("../../../../tests/fixtures/hermes-sample-auth.json"));
    fixture.write(".env", "OPENROUTER_API_KEY=sk-or-env\n");
    fixture.write("config.yaml", "credential_pool_strategies:\n  openrouter: least_used\n");
    let outcome = fixture.read();
    assert_eq!((outcome.changed, outcome.legacy_changed, outcome.ok, places(&outcome)), (true, true, true, vec![]));

    let [first, second, third] = rows(&outcome, "openrouter") else { panic!("three rows") };
    assert_eq!(outcome.definitions.pools["openrouter"].strategy, Some(Strategy::LeastUsed));
    assert_eq!((secret(first), secret(third)), (Some("sk-or-v1-0000"), Some("sk-or-env")));
    assert_eq!(third.secret_ref, Some(SecretRef::Env("OPENROUTER_API_KEY".to_owned())));
    assert_ne!(third.fingerprint.as_deref(), Some("sha256:053ad1494404cdc3"), "the live secret counts");
    let fact = |row: &Row| row.legacy.and_then(|legacy| legacy.fact).expect("a fact");
    assert_eq!((fact(first).kind, fact(first).until_ms), (Kind::RateLimit, Some(1_795_471_600_000)));
    assert_eq!((fact(second).kind, fact(second).until_ms), (Kind::Billing, Some(1_795_471_200_000)));

    assert_eq!(rows(&outcome, "anthropic")[1].auth_type, AuthType::OAuth);
    let [manual, borrowed] = rows(&outcome, "custom:together-ai") else { panic!("two rows") };
    assert_eq!((manual.legacy.map(|legacy| legacy.grants), secret(borrowed)), (Some(12), None));
    assert_eq!(borrowed.secret_ref, Some(SecretRef::Config("Together AI".to_owned())));
    assert_eq!(borrowed.fingerprint.as_deref(), Some("sha256:846e431b2d22f4b8"));
    assert!(borrowed.unresolved.as_deref().is_some_and(|reason| reason.contains("config.yaml")), "{borrowed:?}");
}

#[test]
fn the_type_of_a_secret_may_show_only_when_it_is_found() {
    let mut fixture = Fixture::new("");
    fixture.write("auth.json", r#"{"credential_pool": {"anthropic": [{"id": "a", "source": "env:TOKEN"}]}}"#);
    fixture.set("TOKEN", "sk-ant-oat01-x");
    assert_eq!(rows(&fixture.read(), "anthropic")[0].auth_type, AuthType::OAuth);
}

#[test]
fn a_file_that_never_was_is_an_empty_store() {
    let mut fixture = Fixture::new("");
    assert_eq!(fixture.load(), (true, true, true, vec![]));
    assert_eq!(fixture.load(), (false, false, true, vec![]));
    fixture.write_rows(&json!([{ "id": "a" }]));
    assert_eq!(fixture.load(), (true, false, true, vec!["a".to_owned()]));
}

#[test]
fn a_failure_is_never_an_empty_pool() {
    let a = || vec!["a".to_owned()];
    let mut fixture = Fixture::new("");
    fixture.write_rows(&json!([{ "id": "a" }]));
    assert!(fixture.load().2);
    let path = fixture.path("auth.json");

    fixture.write("auth.json", "{\"credential_pool\": {\"p\": [");
    assert_eq!(fixture.load(), (false, false, false, a()));
    fixture.write("auth.json", "");
    assert_eq!(fixture.load(), (false, false, false, a()));

    fs::remove_file(&path).expect("removed");
    let outcome = fixture.read();
    assert_eq!(
        (outcome.ok, places(&outcome)),
        (false, vec!["auth.json is gone; what it held before is still served".to_owned()])
    );

    mkfifo(&path, Mode::S_IRUSR).expect("a FIFO");
    assert_eq!(fixture.load(), (false, false, false, a()));
    fs::remove_file(&path).expect("removed");
    fs::create_dir(&path).expect("a folder");
    assert_eq!(fixture.load(), (false, false, false, a()));
    fs::remove_dir(&path).expect("removed");

    fixture.write_rows(&json!([{ "id": "b" }]));
    fs::set_permissions(&path, Permissions::from_mode(0o620)).expect("permissions");
    let outcome = fixture.read();
    assert_eq!(
        places(&outcome),
        ["auth.json can be written by others than its owner (mode 0620); what it held before is still served"]
    );
    fs::set_permissions(&path, Permissions::from_mode(0o000)).expect("permissions");
    if !geteuid().is_root() {
        // Root reads it all the same.
        assert_eq!(fixture.load(), (false, false, false, a()));
    }
    fs::set_permissions(&path, Permissions::from_mode(0o644)).expect("permissions");
    let outcome = fixture.read();
    assert_eq!((outcome.ok, outcome.changed), (true, true));
    assert_eq!(places(&outcome), ["auth.json can be read by others than its owner"]);
}

#[test]
fn a_stranger_s_file_is_not_read() {
    let mut fixture = Fixture::new("");
    fixture.write_rows(&json!([{ "id": "a" }]));
    if !geteuid().is_root() {
        // Only root can give a file away; `safe_file` tests the same from the other side.
        return;
    }
    chown(&fixture.path("auth.json"), Some(Uid::from_raw(65_534)), None).expect("root may");
    assert_eq!(fixture.load(), (true, true, false, vec![]));
}

#[test]
fn sizes_around_the_limit() {
    let mut fixture = Fixture::new("limits.auth_file = 1024");
    let text = json!({ "credential_pool": { "p": [{ "id": "a" }] } }).to_string();
    for (size, good) in [(1_023, true), (1_024, true), (1_025, false)] {
        fixture.write("auth.json", &format!("{text:size$}"));
        assert_eq!(fixture.load().2, good, "{size}");
    }
}

#[test]
fn links_are_followed() {
    let mut fixture = Fixture::new("");
    fixture.write("real.json", r#"{"credential_pool": {"p": [{"id": "a"}]}}"#);
    symlink(fixture.path("real.json"), fixture.path("auth.json")).expect("a link");
    assert_eq!(fixture.load(), (true, true, true, vec!["a".to_owned()]));
}

#[test]
fn status_fields_are_no_change_of_definitions() {
    let mut fixture = Fixture::new("");
    let row = |status: &str, at: f64, count: u64| {
        json!([{ "id": "a", "access_token": "s", "last_status": status, "last_status_at": at,
                 "last_error_code": 429, "last_error_message": "m", "request_count": count }])
    };
    fixture.write_rows(&row("ok", 1e9, 0));
    assert!(fixture.load().0);
    fixture.write_rows(&row("ok", 2e9, 5));
    assert_eq!(fixture.load(), (false, false, true, vec!["a".to_owned()]));
    fixture.write_rows(&row("exhausted", 2e9, 5));
    assert_eq!(fixture.load(), (false, true, true, vec!["a".to_owned()]));
    fixture.write_rows(&row("exhausted", 2e9, 6));
    assert_eq!(fixture.load(), (false, false, true, vec!["a".to_owned()]));
}

#[test]
fn order_is_a_change_but_for_round_robin() {
    let rows = |first: i64, second: i64| json!([{ "id": "a", "priority": first }, { "id": "b", "priority": second }]);
    let mut fixture = Fixture::new("");
    fixture.write_rows(&rows(0, 1));
    assert!(fixture.load().0);
    fixture.write_rows(&rows(3, 7));
    assert!(!fixture.load().0, "the order is the same");
    fixture.write_rows(&rows(1, 0));
    assert!(fixture.load().0);
    fixture.write("config.yaml", "credential_pool_strategies: {p: round_robin}");
    assert!(fixture.load().0, "the strategy is another");
    fixture.write_rows(&rows(0, 1));
    assert_eq!(fixture.load(), (false, false, true, vec!["a".to_owned(), "b".to_owned()]));
    fixture.write("config.yaml", ": [");
    let outcome = fixture.read();
    assert_eq!((outcome.changed, outcome.ok, outcome.problems.len()), (false, true, 1));
    fixture.loader.set_config(load_config(fixture.folder.path(), "pools.p.strategy = 'fill_first'"));
    assert!(fixture.load().0, "a new configuration");
    fixture.write_rows(&rows(1, 0));
    assert!(fixture.load().0, "our configuration beats that of Hermes");
}

#[test]
fn a_secret_that_changes_is_a_change() {
    let mut fixture = Fixture::new("");
    let row = |secret: &str| json!([{ "id": "a", "access_token": secret }]);
    fixture.write_rows(&row("one"));
    let before = fixture.read();
    fixture.write_rows(&row("two"));
    let after = fixture.read();
    assert!(after.changed && rows(&before, "p")[0].fingerprint != rows(&after, "p")[0].fingerprint);
}

#[test]
fn the_environment_is_asked_for_borrowed_secrets() {
    let mut fixture = Fixture::new("");
    fixture.write_rows(&json!([
        { "id": "a", "source": "env:KEY" },
        { "id": "b", "source": "env:KEY", "access_token": "old" },
        { "id": "c", "source": "env:A=B" },
        { "id": "d", "source": "env:" },
        { "id": "e", "source": "claude_code" },
        { "id": "f", "source": "manual:device_code" },
        { "id": "g", "source": "gh_cli", "access_token": "left over" },
        { "id": "h", "source": "vault", "access_token": "own" },
    ]));
    let outcome = fixture.read();
    let found: Vec<_> = rows(&outcome, "p").iter().map(secret).collect();
    assert_eq!(found, [None, Some("old"), None, None, None, None, None, Some("own")]);
    assert!(rows(&outcome, "p").iter().all(|row| row.secret.is_none() == row.unresolved.is_some()));

    fixture.set("KEY", "from-env");
    let outcome = fixture.read();
    assert_eq!((outcome.changed, secret(&rows(&outcome, "p")[1])), (true, Some("from-env")));
    fixture.write(".env", "KEY=from-file");
    let outcome = fixture.read();
    assert_eq!((outcome.changed, secret(&rows(&outcome, "p")[0])), (true, Some("from-file")));
    fs::set_permissions(fixture.path(".env"), Permissions::from_mode(0o602)).expect("permissions");
    let outcome = fixture.read();
    assert_eq!((outcome.changed, outcome.problems.len()), (false, 1), "what it held before still counts");
    fs::remove_file(fixture.path(".env")).expect("removed");
    assert_eq!(secret(&rows(&fixture.read(), "p")[0]), Some("from-file"));
    fixture.now += PATIENCE;
    assert_eq!(secret(&rows(&fixture.read(), "p")[0]), Some("from-env"));
}

/// A home whose rows get their secrets from each of the files beside auth.json.
fn borrowing() -> Fixture {
    let mut fixture = Fixture::new("");
    for folder in [".claude", ".qwen"] {
        fs::create_dir(fixture.path(folder)).expect("a folder");
    }
    let row = |id: &str, source: &str| json!([{ "id": id, "source": source }]);
    let pools = json!({
        "anthropic": [{ "id": "a", "source": "claude_code" }],
        "qwen-oauth": row("q", "qwen-cli"),
        "openrouter": row("o", "env:OPENROUTER_API_KEY"),
        "custom:c": row("c", "config:C"),
    });
    fixture.write("auth.json", &json!({ "credential_pool": pools, "active_provider": "anthropic" }).to_string());
    fixture.write_side_files();
    assert_eq!(fixture.borrowed(), ["a", "c", "h", "o", "q"].map(str::to_owned));
    fixture
}

const SIDE_FILES: [(&str, &str); 5] = [
    (".env", "OPENROUTER_API_KEY=o"),
    ("config.yaml", "custom_providers: [{name: C, base_url: 'https://c.test', api_key: c}]"),
    (".anthropic_oauth.json", r#"{"accessToken": "h"}"#),
    (".claude/.credentials.json", r#"{"claudeAiOauth": {"accessToken": "a"}}"#),
    (".qwen/oauth_creds.json", r#"{"access_token": "q"}"#),
];

impl Fixture {
    fn write_side_files(&self) {
        for (name, content) in SIDE_FILES {
            self.write(name, content);
        }
    }

    /// The secrets that are served.
    fn borrowed(&mut self) -> Vec<String> {
        let outcome = self.read();
        let rows = outcome.definitions.pools.values().flat_map(|pool| &pool.rows);
        let mut secrets: Vec<_> = rows.filter_map(secret).map(str::to_owned).collect();
        secrets.sort();
        secrets
    }
}

#[test]
fn no_file_that_is_away_or_torn_for_a_moment_takes_a_secret_away() {
    let mut fixture = borrowing();
    let all = fixture.borrowed();
    for (name, content) in SIDE_FILES {
        fixture.write(name, "");
        assert_eq!(fixture.borrowed(), all, "{name}");
        let outcome = fixture.read();
        assert_eq!(outcome.problems.len(), 1, "{name}: {:?}", outcome.problems);
        assert!(outcome.again && outcome.ok && outcome.problems[0].place.ends_with(name), "{:?}", outcome.problems);
        fs::remove_file(fixture.path(name)).expect("removed");
        assert_eq!(fixture.borrowed(), all, "{name}");
        // A `.env` makes sense wherever it ends.
        if name != ".env" {
            fixture.write(name, &content[..content.len() - 1]);
            fixture.now += PATIENCE;
            assert_eq!(fixture.borrowed(), all, "{name}");
        }
        fixture.write(name, content);
        assert!(fixture.read().problems.is_empty(), "{name}");
    }
}

#[test]
fn a_secret_that_is_taken_out_of_a_file_is_gone_at_once() {
    let without = ["# nothing", "model: {}", "{}", r#"{"claudeAiOauth": null}"#, r#"{"access_token": ""}"#];
    for (nth, ((name, _), content)) in SIDE_FILES.into_iter().zip(without).enumerate() {
        let mut fixture = borrowing();
        fixture.write(name, content);
        let secret = ["o", "c", "h", "a", "q"][nth];
        assert!(!fixture.borrowed().contains(&secret.to_owned()), "{name}");
        assert!(fixture.read().problems.is_empty(), "{name}");
    }
}

#[test]
fn a_home_that_is_away_keeps_all_of_it_for_as_long_as_it_is() {
    let mut fixture = borrowing();
    let all = fixture.borrowed();
    let away = fixture.folder.path().with_extension("away");
    fs::rename(fixture.folder.path(), &away).expect("moved");
    assert_eq!(fixture.borrowed(), all);
    fixture.now += PATIENCE * 100;
    assert_eq!(fixture.borrowed(), all);
    // What a mount leaves behind when it goes: a folder of nothing.
    fs::create_dir(fixture.folder.path()).expect("a folder");
    fixture.now += PATIENCE * 100;
    assert_eq!(fixture.borrowed(), all);
    fs::remove_dir(fixture.folder.path()).expect("removed");
    fs::rename(&away, fixture.folder.path()).expect("moved");
    assert_eq!((fixture.borrowed(), fixture.read().problems), (all, vec![]));
}

#[test]
fn rows_of_our_own_stand_behind_those_of_hermes() {
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key");
    let mut fixture = Fixture::new(&format!(
        "[[pools.p.definitions]]\nenv = 'KEY'\n[[pools.p.definitions]]\nfile = '{}'\nauth_type = 'oauth'\n\
         [[pools.p.definitions]]\nenv = 'KEY'\nid = 'a'\n[[pools.q.definitions]]\nenv = 'KEY'\naccount = 'acme'",
        key.display()
    ));
    assert!(fixture.loader.files().contains(&key));
    fixture.write_rows(&json!([{ "id": "a", "access_token": "hermes", "priority": 9 }]));
    fixture.set("KEY", "own");
    let outcome = fixture.read();
    let [hermes, env, file] = rows(&outcome, "p") else { panic!("three rows") };
    assert_eq!((secret(hermes), secret(env), secret(file)), (Some("hermes"), Some("own"), None));
    assert_eq!((env.label.as_str(), file.label.as_str(), file.auth_type), ("KEY", "key", AuthType::OAuth));
    assert_eq!(places(&outcome)[1], "pools.p.definitions[2] has the id of an earlier row, \"a\", and is left out");
    let (env_id, file_id) = (env.id.clone(), file.id.clone());
    assert_ne!(rows(&outcome, "q")[0].id, env_id, "ids are of one pool");
    assert_eq!(rows(&outcome, "q")[0].account.as_deref(), Some("acme"));

    for (content, expected) in [
        ("secret\n", Some("secret")),
        ("two\nlines\n", None),
        ("\n", None),
        ("other", Some("other")),
        ("", Some("other")),
    ] {
        fs::write(&key, content).expect("a file");
        let outcome = fixture.read();
        assert_eq!(secret(&rows(&outcome, "p")[2]), expected, "{content:?}");
        assert_eq!((&rows(&outcome, "p")[1].id, &rows(&outcome, "p")[2].id), (&env_id, &file_id));
    }
}

#[test]
fn the_file_stays_as_it_is() {
    let mut fixture = Fixture::new("");
    fixture.write("auth.json", include_str!("../../../../tests/fixtures/hermes-sample-auth.json"));
    let path = fixture.path("auth.json");
    let look = || {
        let metadata = fs::metadata(&path).expect("a file");
        (
            fs::read(&path).expect("a file"),
            metadata.mode(),
            metadata.mtime_nsec(),
            metadata.ctime_nsec(),
            metadata.ino(),
        )
    };
    let before = look();
    for _ in 0..3 {
        fixture.read();
    }
    assert_eq!(look(), before);
    let mut names: Vec<_> = fs::read_dir(fixture.folder.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["auth.json", "credpool.toml"]);
}

#[test]
fn no_secret_is_printed() {
    let mut fixture = Fixture::new("[[pools.p.definitions]]\nenv = 'KEY'");
    fixture.set("KEY", "canary-1");
    fixture.write(".env", "OTHER=canary-2\ncanary-3");
    fixture.write("config.yaml", "model: {api_key: canary-4}\ncredential_pool_strategies: {p: {canary-5: 1}}");
    fixture.write_rows(&json!([
        { "id": "a", "access_token": "canary-6", "refresh_token": "canary-7", "last_status": "exhausted",
          "last_status_at": 1e9, "last_error_message": "canary-8", "last_error_reason": "canary-9" },
        { "id": "b", "source": "env:OTHER", "agent_key": "canary-10" },
        "canary-11",
        { "id": 3, "access_token": "canary-12", "priority": "canary-13" },
        { "id": "c", "access_token": ["canary-14"] },
        { "id": "d", "secret_fingerprint": "canary-15", "auth_type": "canary-16" },
    ]));
    let printed = |outcome: &LoadOutcome| format!("{outcome:?} {outcome:#?}");
    let outcome = fixture.read();
    assert!(outcome.problems.len() >= 4 && rows(&outcome, "p").len() == 4, "{outcome:?}");
    assert!(!printed(&outcome).contains("canary"), "{}", printed(&outcome));
    fixture.write("auth.json", "{\"credential_pool\": canary-17}");
    let outcome = fixture.read();
    assert!(!printed(&outcome).contains("canary"), "{}", printed(&outcome));
}

#[test]
fn problems_are_bounded() {
    let mut fixture = Fixture::new("");
    fixture.write_rows(&Value::from(vec![3; 5_000]));
    let outcome = fixture.read();
    assert_eq!(outcome.problems.len(), MAX_PROBLEMS + 1);
    assert_eq!(outcome.problems[MAX_PROBLEMS].problem, "have 4000 more problems");
}
