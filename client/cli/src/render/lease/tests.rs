use anstream::adapter::strip_str;
use serde_json::json;

use super::*;

const NOW: u64 = 1_795_471_600_000;

fn granted(change: impl FnOnce(&mut serde_json::Value)) -> Granted {
    let mut value = json!({
        "lease": "9f0c", "pool": "openrouter", "expires_at_ms": NOW + 600_000, "probe": false,
        "chosen_by": "fill_first", "queued_ms": 0,
        "credential": {
            "id": "a1b2c3", "label": "work", "auth_type": "api_key", "secret": "sk-canary",
            "auth": {"header": "Authorization", "prefix": "Bearer "}, "secret_expires_at_ms": null,
            "base_url": "https://openrouter.ai/api/v1", "fingerprint": null, "epoch": "e1"
        }
    });
    change(&mut value);
    serde_json::from_value(value).unwrap()
}

fn plain(grant: &Granted, show_secret: bool) -> String {
    strip_str(&render(grant, show_secret, NOW)).to_string()
}

#[test]
fn the_secret_is_hidden_unless_it_is_asked_for() {
    let grant = granted(|_| {});
    assert_eq!(
        plain(&grant, false),
        "\
work (a1b2c3) of openrouter, for 10m, chosen by fill first
  lease     9f0c
  secret    hidden; --show-secret or --shell prints it
  header    Authorization: Bearer …
  base URL  https://openrouter.ai/api/v1
"
    );
    assert!(plain(&grant, true).contains("  secret    sk-canary\n"));
}

#[test]
fn a_secret_that_is_elsewhere_is_said_to_be_there() {
    let places = [
        (json!({"env": "OPENROUTER_API_KEY"}), "in the environment variable OPENROUTER_API_KEY"),
        (json!({"config": "Together AI"}), "in the configuration, as Together AI"),
        (json!({"file": "/run/secrets/k"}), "in /run/secrets/k"),
        (json!({"file": "/f.json", "pointer": "/a/b"}), "in /f.json, at /a/b"),
    ];
    for (place, words) in places {
        let grant = granted(|value| {
            value["credential"]["secret"] = json!(null);
            value["credential"]["secret_ref"] = place;
        });
        assert!(plain(&grant, true).contains(&format!("  secret    {words}\n")), "{words}");
    }
}

#[test]
fn a_probe_and_an_expired_secret_are_pointed_out() {
    let grant = granted(|value| {
        value["probe"] = json!(true);
        value["expired"] = json!(true);
    });
    let text = plain(&grant, false);
    assert!(text.contains("\n! it is to find out if the credential has recovered: report what happens\n"));
    assert!(text.contains("\n! its secret has run out: refresh it before you use it\n"));
}

#[test]
fn a_shell_gets_every_value_whole_and_nothing_else() {
    let grant = granted(|value| {
        value["credential"]["label"] = json!("it's $(reboot)\n`x`");
        value["credential"]["base_url"] = json!(null);
    });
    assert_eq!(
        for_shell(&grant),
        r"export CREDPOOL_LEASE='9f0c'
CREDPOOL_POOL='openrouter'
CREDPOOL_CREDENTIAL='a1b2c3'
CREDPOOL_LABEL='it'\''s $(reboot)
`x`'
CREDPOOL_SECRET='sk-canary'
CREDPOOL_SECRET_ENV=''
CREDPOOL_AUTH_HEADER='Authorization'
CREDPOOL_AUTH_PREFIX='Bearer '
CREDPOOL_BASE_URL=''
CREDPOOL_EXPIRES_AT_MS='1795472200000'
"
    );
}
