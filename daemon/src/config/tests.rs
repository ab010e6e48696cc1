use std::fs;

use credpool_core::{Backoff, Cap, Policy, Strategy};

use super::*;

struct Fixture {
    folder: tempfile::TempDir,
    variables: BTreeMap<&'static str, String>,
}

impl Fixture {
    fn new(file: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let config = folder.path().join(".config/credpool");
        fs::create_dir_all(&config).expect("a folder");
        fs::write(config.join("config.toml"), file).expect("a file");
        Self { folder, variables: BTreeMap::new() }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.variables.insert(name, value.to_owned());
        self
    }

    fn load(&self, args: &[&str]) -> Result<Config, ConfigErrors> {
        let cli = Cli::parse_from([&["credpoold"], args].concat()).expect("a command line");
        Config::load(&cli, |name| self.variables.get(name).cloned(), Some(self.folder.path()))
    }

    fn errors(&self, args: &[&str]) -> Vec<String> {
        let errors = self.load(args).expect_err("errors");
        let home = self.folder.path().display().to_string();
        errors.iter().map(|error| error.to_string().replace(&home, "~")).collect()
    }
}

#[test]
fn nothing_configured_is_the_default() {
    let fixture = Fixture::new("");
    let config = fixture.load(&[]).expect("a configuration");
    assert_eq!(config.auth_file, fixture.folder.path().join(".hermes/auth.json"));
    assert_eq!(config.file, Some(fixture.folder.path().join(".config/credpool/config.toml")));
    assert_eq!(config.policy("any", None), Policy::default());
    assert_eq!((config.limits, config.socket.as_deref()), (Limits::default(), None));
    assert_eq!((config.log.as_str(), &config.access), ("info", &Access::default()));
}

#[test]
fn the_table_shows_the_real_defaults() {
    let args: Vec<_> = KEYS
        .iter()
        .filter(|key| key.support != Support::Later)
        .filter_map(|key| Some(format!("--{}={}", key.flag()?, key.default?)))
        .collect();
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let fixture = Fixture::new("");
    let (shown, real) = (fixture.load(&args).expect("all defaults"), fixture.load(&[]).expect("no flags"));
    assert_eq!(shown.policy("any", None), real.policy("any", None));
    assert_eq!((shown.limits, shown.log), (real.limits, real.log));
}

/// A value that any key of this type takes.
fn sample(value: ValueType) -> String {
    match value {
        ValueType::Text => "word".to_owned(),
        ValueType::Path => "/path".to_owned(),
        ValueType::Duration { min_ms, .. } => format!("{min_ms}ms"),
        ValueType::Size { min, .. } | ValueType::Count { min, .. } => min.to_string(),
        ValueType::Factor => "1".to_owned(),
        ValueType::Percent => "10%".to_owned(),
        ValueType::Choice(words) => words[0].to_owned(),
        ValueType::List => "one,two".to_owned(),
    }
}

#[test]
fn every_key_is_taken_from_every_source() {
    for key in KEYS.iter().filter(|key| key.support == Support::Full) {
        let value = sample(key.value);
        // The smallest value of one key may contradict the default of another; that has tests of its own.
        let fits = |errors: &ConfigErrors| {
            errors.iter().all(|e| matches!(e, ConfigError::Contradiction { key, .. } if key != "configuration"))
        };
        if let (Some(flag), Some(variable)) = (key.flag(), key.variable()) {
            let by_flag = Fixture::new("").load(&[&format!("--{flag}={value}")]);
            assert!(by_flag.as_ref().err().is_none_or(fits), "--{flag}: {by_flag:?}");
            let mut fixture = Fixture::new("");
            fixture.variables.insert(variable.clone().leak(), value.clone());
            let by_variable = fixture.load(&[]);
            assert!(by_variable.as_ref().err().is_none_or(fits), "{variable}: {by_variable:?}");
        }
        for place in key.places().iter().filter(|place| !place.contains(&"definitions")) {
            let value = match key.value {
                ValueType::Size { .. } | ValueType::Count { .. } | ValueType::Factor => value.clone(),
                ValueType::List => "[\"one\"]".to_owned(),
                _ => format!("{value:?}"),
            };
            let path: Vec<_> = place.iter().map(|name| if *name == "*" { "some" } else { name }).collect();
            let by_file = Fixture::new(&format!("{} = {value}", path.join("."))).load(&[]);
            assert!(by_file.as_ref().err().is_none_or(fits), "{path:?}: {by_file:?}");
        }
    }
}

#[test]
fn flags_beat_variables_beat_the_file_beat_hermes() {
    let strategy = |fixture: &Fixture, args: &[&str]| {
        fixture.load(args).expect("a configuration").policy("p", Some(Strategy::Random)).strategy
    };
    let fixture = Fixture::new("");
    assert_eq!(strategy(&fixture, &[]), Strategy::Random);
    let fixture = Fixture::new("defaults.strategy = 'least_used'");
    assert_eq!(strategy(&fixture, &[]), Strategy::LeastUsed);
    let fixture = fixture.with("CREDPOOL_DEFAULTS_STRATEGY", "round_robin");
    assert_eq!(strategy(&fixture, &[]), Strategy::RoundRobin);
    assert_eq!(strategy(&fixture, &["--defaults-strategy=fill_first"]), Strategy::FillFirst);
    let fixture = Fixture::new("pools.p.strategy = 'least_used'");
    assert_eq!(strategy(&fixture, &["--defaults-strategy=fill_first"]), Strategy::LeastUsed);
}

#[test]
fn the_narrower_table_wins() {
    let config = Fixture::new(
        r#"
        defaults = { max_in_flight = 2, lease_ttl = "30m", account = "all" }
        [pools.p]
        cap = "hard"
        detached_ttl = "1m"
        account = "pool"
        [pools.p.credentials]
        a1 = { max_in_flight = 5 }
        work = { cap = "soft", max_in_flight = 7, account = "mine" }
        "#,
    )
    .load(&[])
    .expect("a configuration");
    let policy = config.policy("p", None);
    assert_eq!(policy.cap, Cap { max_in_flight: 2, hard: true });
    assert_eq!((policy.lease_ttl_ms, policy.detached_ttl_ms), (30 * 60_000, 60_000));
    assert_eq!(config.policy("q", None).cap, Cap { max_in_flight: 2, hard: false });
    assert_eq!(config.credential_cap("p", "a1", "home"), Some(Cap { max_in_flight: 5, hard: true }));
    assert_eq!(config.credential_cap("p", "a1", "work"), Some(Cap { max_in_flight: 5, hard: false }));
    assert_eq!(config.credential_cap("p", "a2", "home"), None);
    assert_eq!(config.credential_cap("q", "a1", "work"), None);
    assert_eq!(config.account("p", "a1", "work", Some("row")), Some("mine"));
    assert_eq!(config.account("p", "a1", "home", Some("row")), Some("row"));
    assert_eq!(config.account("p", "a1", "home", None), Some("pool"));
    assert_eq!(config.account("q", "a1", "home", None), Some("all"));
}

#[test]
fn definitions_of_our_own() {
    let fixture = Fixture::new(
        r#"
        [[pools.openai.definitions]]
        env = "KEY_1"
        label = "one"
        [[pools.openai.definitions]]
        file = "~/k2"
        id = "two"
        auth_type = "oauth"
        account = "acme"
        base_url = "https://example.org/v1"
        "#,
    );
    let config = fixture.load(&[]).expect("a configuration");
    let pools: Vec<_> = config.own_definitions().collect();
    let [("openai", [one, two])] = pools.as_slice() else { panic!("{pools:?}") };
    assert_eq!((&one.source, one.label.as_deref()), (&SecretSource::Env("KEY_1".to_owned()), Some("one")));
    assert_eq!(two.source, SecretSource::File(fixture.folder.path().join("k2")));
    assert_eq!(
        (two.id.as_deref(), two.auth_type, two.account.as_deref()),
        (Some("two"), AuthType::OAuth, Some("acme"))
    );
}

#[test]
fn definitions_must_make_sense() {
    let fixture = Fixture::new(
        r#"
        [[pools.p.definitions]]
        id = "x"
        [[pools.p.definitions]]
        env = "A"
        file = "/b"
        [[pools.p.definitions]]
        env = "A=B"
        [[pools.p.definitions]]
        env = "A"
        id = ""
        [[pools.p.definitions]]
        env = "A"
        id = "same"
        [[pools.p.definitions]]
        env = "B"
        id = "same"
        "#,
    );
    assert_eq!(
        fixture.errors(&[]),
        [
            "`pools.p.definitions[0]` must have either `env` or `file`",
            "`pools.p.definitions[1]` must have either `env` or `file`",
            "`pools.p.definitions[2]` names a variable that cannot exist",
            "`pools.p.definitions[3]` must have an id of 1 to 64 bytes, or none",
            "`pools.p.definitions[5]` has the id of an earlier definition",
        ]
    );
}

#[test]
fn everything_wrong_is_reported_with_its_place() {
    let fixture = Fixture::new(
        "sockt = '/a'\nlease_ttl = '1h'\nqwertyuiop = 1\n[defaults]\nlease_ttl = 3600\nstrategy = 'luckiest'\n\
         [pools.p]\nmax_in_fligth = 1\n[pools.p.credentials.x]\nstrategy = 'random'\n",
    )
    .with("CREDPOOL_DEFAULTS_CAP", "firm");
    let file = "~/.config/credpool/config.toml";
    let expected = [
        format!("{file}:1: unknown key `sockt`; did you mean `socket`?"),
        format!("{file}:2: unknown key `lease_ttl`; did you mean `defaults.lease_ttl`?"),
        format!("{file}:3: unknown key `qwertyuiop`"),
        format!(
            "{file}:5: `defaults.lease_ttl` must be a duration with its unit, such as \"15s\", \"1h30m\" or \
             \"500ms\"; 3600 of what?"
        ),
        format!(
            "{file}:6: `defaults.strategy` must be one of \"fill_first\", \"round_robin\", \"least_used\", \"random\", \
             \"headroom\", \"reset_soon\", not \"luckiest\""
        ),
        format!("{file}:8: unknown key `pools.p.max_in_fligth`; did you mean `pools.p.max_in_flight`?"),
        format!("{file}:10: unknown key `pools.p.credentials.x.strategy`; did you mean `defaults.strategy`?"),
        "CREDPOOL_DEFAULTS_CAP: `defaults.cap` must be one of \"soft\", \"hard\", not \"firm\"".to_owned(),
        "--limits-leases: `limits.leases` must be a whole number from 1 to 1000000".to_owned(),
    ];
    assert_eq!(fixture.errors(&["--limits-leases=0"]), expected);
}

#[test]
fn what_this_version_cannot_do_is_refused() {
    let accepted = Fixture::new("store = 'memory'\ncooldown.preset = 'default'");
    assert!(accepted.load(&["--store=memory"]).is_ok());
    for line in ["store = 'redis://user:canary-secret@host'", "on_store_loss = 'degrade'", "store_key = 'file:/k'"] {
        let errors = Fixture::new(line).errors(&[]);
        assert!(errors.len() == 1 && errors[0].ends_with("is not supported by this version yet"), "{errors:?}");
        assert!(!errors[0].contains("canary"), "{errors:?}");
    }
}

#[test]
fn state_is_kept_where_somebody_says() {
    let kept = |text: &str, arguments: &[&str]| Fixture::new(text).load(arguments).expect("a configuration").snapshot;
    assert_eq!(kept("", &[]), None);
    let relaxed = Snapshot { path: "/s/state.json".into(), durability: Durability::Relaxed };
    assert_eq!(kept("", &["--snapshot=/s/state.json"]), Some(relaxed.clone()));
    let sync = Snapshot { durability: Durability::Sync, ..relaxed };
    assert_eq!(kept("snapshot = { path = '/s/state.json', durability = 'sync' }", &[]), Some(sync));
    assert_eq!(
        Fixture::new("snapshot.durability = 'sync'").errors(&[]),
        ["`snapshot.durability` is of no use without snapshot.path: there is nothing to keep state in"]
    );
}

#[test]
fn cooldowns_start_from_a_preset() {
    let hermes = Fixture::new("cooldown = { preset = 'hermes', quota = { cap = '2h' } }");
    let cooldowns = hermes.load(&[]).expect("a configuration").policy("p", None).cooldowns;
    assert_eq!(cooldowns.auth, Backoff::fixed(300_000));
    assert_eq!(cooldowns.rate_limit, Backoff::fixed(3_600_000));
    assert_eq!(cooldowns.quota, Backoff { cap_ms: 7_200_000, ..Backoff::fixed(3_600_000) });

    let own = Fixture::new("cooldown.rate_limit = { base = '1s', factor = 1.5, cap = '1s' }");
    let cooldowns = own.load(&[]).expect("a configuration").policy("p", None).cooldowns;
    assert_eq!(cooldowns.rate_limit, Backoff { base_ms: 1_000, factor_permille: 1_500, cap_ms: 1_000 });

    let upside_down = Fixture::new("cooldown.rate_limit.base = '1h'");
    assert_eq!(
        upside_down.errors(&[]),
        [
            "`cooldown.rate_limit` has a base of 1h (by ~/.config/credpool/config.toml:1) that is longer than its cap of \
          15m (by default)"
        ]
    );
}

#[test]
fn secrets_may_be_kept_back_for_all_pools_or_for_one() {
    let gives = |text: &str, arguments: &[&str]| {
        let config = Fixture::new(text).load(arguments).expect("a configuration");
        (config.gives_references("p"), config.gives_references("q"))
    };
    assert_eq!(gives("", &[]), (false, false));
    assert_eq!(gives("pools.p.secrets = 'references'", &[]), (true, false));
    assert_eq!(gives("pools.p.secrets = 'values'", &["--defaults-secrets=references"]), (false, true));
}

#[test]
fn leases_live_no_longer_than_may_be_asked_for() {
    let fixture = Fixture::new("pools.p.detached_ttl = '31m'");
    assert_eq!(
        fixture.errors(&["--limits-ttl=30m"]),
        ["`pools.p.detached_ttl` is 31m (by ~/.config/credpool/config.toml:1), longer than limits.ttl, 30m (by \
             --limits-ttl)",]
    );
    let policy = Fixture::new("limits.ttl = '5m'").load(&[]).expect("a configuration").policy("p", None);
    assert_eq!((policy.lease_ttl_ms, policy.detached_ttl_ms), (300_000, 300_000), "what nobody said gives way");
    assert!(Fixture::new("defaults.lease_ttl = '24h'").load(&[]).is_ok());
    assert!(Fixture::new("defaults.lease_ttl = '25h'").load(&[]).is_err());
}

#[test]
fn a_file_that_is_named_must_exist() {
    let fixture = Fixture::new("");
    let named = fixture.folder.path().join("other.toml");
    let argument = format!("--config={}", named.display());
    assert_eq!(fixture.errors(&[&argument]), ["~/other.toml: No such file or directory (os error 2)"]);
    fs::write(&named, "log = 'debug'").expect("a file");
    assert_eq!(fixture.load(&[&argument]).expect("a configuration").log, "debug");
    let by_variable = Fixture::new("").with("CREDPOOL_CONFIG", &named.display().to_string());
    assert_eq!(by_variable.load(&[]).expect("a configuration").log, "debug");
    let nowhere = Fixture::new("log = 'trace'").with("XDG_CONFIG_HOME", "/nowhere");
    assert_eq!(nowhere.load(&[]).expect("a configuration").log, "info");
}

#[test]
fn a_file_that_is_not_toml_says_where() {
    let errors = Fixture::new("log = 'debug'\nlog = 3\nsocket =").errors(&[]);
    assert!(errors[0].starts_with("~/.config/credpool/config.toml:2: "), "{errors:?}");
}

#[test]
fn there_must_be_a_home_somewhere() {
    let cli = Cli::default();
    assert!(Config::load(&cli, |_| None, None).is_err());
    let hermes = |name: &str| (name == "HERMES_HOME").then(|| " /h ".to_owned());
    assert_eq!(Config::load(&cli, hermes, None).expect("a configuration").auth_file, Path::new("/h/auth.json"));
}

#[test]
fn models_and_pools_have_caps_of_their_own() {
    let fixture = Fixture::new(
        "defaults = { max_in_flight = 4, affinity_ttl = '30m' }\n\
         [pools.p]\nmax_in_flight_total = 9\ncap = 'hard'\naffinity_ttl = '0s'\n\
         [pools.p.models.'gpt-5.5']\nmax_in_flight = 2\n[pools.p.models.small]\ncap = 'soft'\n",
    );
    let config = fixture.load(&[]).unwrap();
    let policy = config.policy("p", None);
    assert_eq!((policy.total, policy.affinity_ttl_ms), (Some(9), 0));
    assert_eq!(policy.models["gpt-5.5"], Cap { max_in_flight: 2, hard: true });
    assert_eq!(policy.models["small"], Cap { max_in_flight: 4, hard: false });
    let other = config.policy("q", None);
    assert_eq!((other.total, other.affinity_ttl_ms, other.models.len()), (None, 30 * 60 * 1_000, 0));
}
