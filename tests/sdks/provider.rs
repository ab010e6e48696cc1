//! Whose fault: a provider that fails is held against no key.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::agent::Agent;
use super::answers::{completion, key, model_of, server_error};
use crate::support::{AuthJson, Daemon, Http, eventually, pool};

#[test]
fn the_same_5xx_from_two_keys_for_one_model_pauses_the_model_and_benches_no_key() {
    let works = Arc::new(AtomicBool::new(false));
    let mended = Arc::clone(&works);
    let server = Http::start(move |request| {
        let broken = model_of(request) == "gpt-5.5" && !works.load(Ordering::SeqCst);
        if broken { server_error() } else { completion() }
    });
    let keys = ["first", "second", "third"].map(|label| key(label, &server));
    let daemon = Daemon::serving(&AuthJson::default().pool("openai-api", keys));
    let (Some(mut agent), mut wire) = (Agent::of(&daemon), daemon.wire()) else { return };
    let ask = |model: &str| json!({"pool": "openai-api", "model": model});
    for label in ["first", "second"] {
        // Both are out at once: the second lease is of the second key.
        assert_eq!(agent.acquire(label, &ask("gpt-5.5"))["credential"]["label"], label);
    }
    let alone = agent.call("first", "openai", "gpt-5.5");
    assert_eq!((&alone["status"], &alone["reply"]["verdict"]["kind"]), (&json!(500), &json!("server")), "{alone:#}");
    assert_eq!(
        (&alone["reply"]["why"], &alone["reply"]["applied"]),
        (&json!("not_the_credentials_fault"), &json!(false))
    );
    assert_eq!(pool(&mut wire, "openai-api")["restrictions"], json!([]));

    let together = agent.call("second", "openai", "gpt-5.5");
    let verdict = &together["reply"]["verdict"];
    assert_eq!((&verdict["scope"], &verdict["model"]), (&json!("pool_model"), &json!("gpt-5.5")), "{together:#}");
    let refused = agent.acquire("refused", &ask("gpt-5.5"));
    assert_eq!(
        (&refused["error"]["code"], &refused["error"]["total"]),
        (&json!("exhausted"), &json!(3)),
        "{refused:#}"
    );
    let other = agent.turn(&ask("gpt-5.5-mini"), "openai", "gpt-5.5-mini");
    assert_eq!(other["status"], 200, "{other:#}");
    let shown = pool(&mut wire, "openai-api");
    assert_eq!(shown["counts"], json!({"ready": 3}), "a key is benched: {shown:#}");
    assert_eq!(shown["restrictions"][0]["kind"], "server", "{shown:#}");

    mended.store(true, Ordering::SeqCst);
    let probe = eventually("the pause is over", || {
        Some(agent.acquire("probe", &ask("gpt-5.5"))).filter(|lease| lease["ok"] == true)
    });
    assert_eq!(probe["probe"], true, "{probe:#}");
    assert_eq!(agent.acquire("impatient", &ask("gpt-5.5"))["error"]["code"], "exhausted");
    assert_eq!(agent.call("probe", "openai", "gpt-5.5")["status"], 200);
    for _ in 0..2 {
        let lease = agent.acquire("served", &ask("gpt-5.5"));
        assert_eq!((&lease["ok"], &lease["probe"]), (&json!(true), &json!(false)), "{lease:#}");
        assert_eq!(agent.call("served", "openai", "gpt-5.5")["status"], 200);
    }
}
