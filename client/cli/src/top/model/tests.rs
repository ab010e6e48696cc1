use credpool_client::proto::status::Status;
use ratatui::crossterm::event::KeyEventState;
use serde_json::{Value, json};

use super::*;

pub(in crate::top) const NOW: u64 = 1_795_471_600_000;

fn credential(id: &str, label: &str, state: &str) -> Value {
    json!({
        "id": id, "label": label, "auth_type": "api_key", "source": "manual", "priority": 0, "fingerprint": null,
        "epoch": "e1", "state": state, "cause": null, "until_at_ms": null, "restrictions": [], "leases": 0,
        "max_in_flight": 1, "cap": "hard", "grants": 0
    })
}

/// A pool with something of everything: half of `spare`'s time away is over.
pub(in crate::top) fn pool() -> Value {
    let mut work = credential("a1b2c3", "work", "ready");
    work["leases"] = json!(1);
    work["windows"] = json!([{
        "name": "5h", "model": null, "limit": null, "remaining": null, "used_permille": 729,
        "reset_at_ms": NOW + 7_800_000, "seen_at_ms": NOW
    }]);
    let mut spare = credential("d4e5f6", "spare", "cooling");
    spare["cause"] = json!({"kind": "rate_limit", "status": 429, "reason": null});
    spare["until_at_ms"] = json!(NOW + 43_000);
    let mut broke = credential("0b0b0b", "broke", "needs_login");
    broke["cause"] = json!({"kind": "dead", "status": 401, "reason": "token_revoked"});
    let holder = |client: &str, pid: u32| json!({"client": client, "pid": pid, "uid": 1_000});
    json!({
        "name": "openrouter", "strategy": "fill_first", "total": 3,
        "counts": {"needs_login": 1, "cooling": 1, "ready": 1}, "leases": 1, "waiters": 1,
        "restrictions": [], "warnings": [], "credentials": [work, spare, broke],
        "leases_out": {"next": null, "page": [{
            "number": 12, "credential": "a1b2c3", "model": "gpt-5.5", "class": "interactive", "session": true,
            "probe": false, "detached": false, "held_ms": 125_000, "expires_at_ms": NOW + 3_475_000,
            "holder": holder("aider/1.0", 4_711)
        }]},
        "line": [{
            "number": 3, "class": "background", "position": 1, "waited_ms": 2_000, "estimate_ms": 43_000,
            "model": "gpt-5.5", "holder": holder("batch/2", 4_712)
        }]
    })
}

fn history() -> Value {
    json!([{
        "at_ms": NOW - 43_000, "event": "reported", "credential": {"id": "d4e5f6", "label": "spare"},
        "model": "gpt-5.5", "scope": "account", "lease": 11, "kind": "rate_limit", "status": 429, "applied": true,
        "until_at_ms": NOW + 43_001, "strikes": 1, "rule": "openai.429.rate_limit_exceeded"
    }, {
        "at_ms": NOW - 3_600_000, "event": "disabled", "credential": {"id": "a1b2c3", "label": "work"},
        "model": null, "scope": "credential", "note": "new key"
    }])
}

pub(in crate::top) fn status(pools: &[Value]) -> Status<'static> {
    serde_json::from_value(json!({
        "server": "credpoold/0.1.0", "pid": 4_426, "run": "r", "started_at_ms": NOW - 720_000, "now_at_ms": NOW,
        "auth_file": null, "definitions": {"loaded_at_ms": NOW, "ok": true, "problems": [], "problems_total": 0},
        "pools": pools, "next": null
    }))
    .unwrap()
}

pub(in crate::top) fn picture_of(pool: &Value) -> Picture {
    let mut other = pool.clone();
    other["name"] = json!("anthropic");
    Picture {
        status: status(&[other, pool.clone()]),
        pool: Some(serde_json::from_value(pool.clone()).unwrap()),
        history: serde_json::from_value(history()).unwrap(),
    }
}

pub(in crate::top) fn model() -> Model {
    Model::new(picture_of(&pool()), NOW)
}

impl Model {
    /// Presses keys, one after the other; `\u{1b}` is Esc, `\n` Enter, `\t` Tab, `\u{8}` Backspace.
    pub(in crate::top) fn type_keys(&mut self, keys: &str) -> Vec<Wish> {
        let code = |c| match c {
            '\u{1b}' => KeyCode::Esc,
            '\n' => KeyCode::Enter,
            '\t' => KeyCode::Tab,
            '\u{8}' => KeyCode::Backspace,
            c => KeyCode::Char(c),
        };
        keys.chars().filter_map(|c| self.press(KeyEvent::new(code(c), KeyModifiers::NONE))).collect()
    }
}

fn labels(model: &Model) -> Vec<&str> {
    model.credentials().iter().map(|credential| &*credential.label).collect()
}

fn spare() -> Named {
    Named { pool: "openrouter".to_owned(), id: "d4e5f6".to_owned(), label: "spare".to_owned() }
}

#[test]
fn keys_are_about_the_credential_that_is_selected() {
    let mut model = model();
    assert_eq!(model.cursor(), 0);
    assert_eq!(model.type_keys("je"), [Wish::Explain(spare())]);
    assert_eq!(model.type_keys("\n"), [Wish::Explain(spare())]);
    assert_eq!(model.type_keys("jjjjkh"), [Wish::History(spare())], "there is no row beyond the last");
    assert_eq!(model.type_keys("G"), []);
    assert_eq!(model.cursor(), 2);
    assert_eq!(model.type_keys("g"), []);
    assert_eq!(model.cursor(), 0);
}

#[test]
fn the_selection_goes_with_its_credential() {
    let mut model = model();
    model.type_keys("j");
    let mut turned = pool();
    turned["credentials"].as_array_mut().unwrap().reverse();
    turned["credentials"].as_array_mut().unwrap().remove(0);
    model.hear(News::Seen(Box::new(picture_of(&turned))), NOW);
    assert_eq!((model.cursor(), labels(&model)), (0, vec!["spare", "work"]));
    turned["credentials"] = json!([turned["credentials"][1]]);
    model.hear(News::Seen(Box::new(picture_of(&turned))), NOW);
    assert_eq!(model.cursor(), 0, "what is gone is selected no more");
}

#[test]
fn an_operator_acts_by_a_clear_yes_only() {
    let act = |deed| Wish::Do(Act { deed, on: spare() });
    let mut model = model();
    model.type_keys("j");
    assert_eq!(model.type_keys("cy"), [act(Deed::Clear)]);
    assert_eq!(model.type_keys("dY"), [act(Deed::Disable)]);
    assert_eq!(model.type_keys("Dy"), [act(Deed::Enable)]);
    for no in ["n", "\n", "\u{1b}", "d", "q", " "] {
        assert_eq!(model.type_keys(&format!("d{no}")), [], "{no:?}");
        assert!(matches!(model.mode, Mode::Looking), "{no:?}");
    }
    assert_eq!(model.type_keys("y"), [], "a yes to nothing");
}

#[test]
fn it_is_left_by_several_keys_but_not_out_of_a_question_or_text() {
    for key in ["q", "\u{1b}"] {
        assert_eq!(model().type_keys(key), [Wish::Quit]);
    }
    let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    for before in ["", "?", "/", "d", "/x\n"] {
        let mut model = model();
        model.type_keys(before);
        assert_eq!(model.press(ctrl_c), Some(Wish::Quit), "after {before:?}");
    }
    let mut model = model();
    assert_eq!(model.type_keys("?q"), []);
    model.hear(News::Told { title: "t".to_owned(), text: "a\nb".to_owned() }, NOW);
    assert_eq!(model.type_keys("jjjkq"), []);
    assert!(matches!(model.mode, Mode::Looking));
    let released = KeyEvent {
        code: KeyCode::Char('q'),
        modifiers: KeyModifiers::NONE,
        kind: KeyEventKind::Release,
        state: KeyEventState::NONE,
    };
    assert_eq!(model.press(released), None);
}

#[test]
fn a_filter_is_written_kept_and_dropped() {
    let mut model = model();
    assert_eq!(model.type_keys("/SPAq"), []);
    assert_eq!(labels(&model), [""; 0]);
    model.type_keys("\u{8}");
    assert_eq!(labels(&model), ["spare"]);
    assert_eq!((model.leases().len(), model.waiters().len(), model.history().len()), (0, 0, 1));
    assert_eq!(model.type_keys("\nh"), [Wish::History(spare())], "the only one that is shown is the selected one");
    assert_eq!(model.type_keys("\u{1b}"), [], "the filter goes first");
    assert_eq!(labels(&model).len(), 3);
    model.type_keys("/aider");
    assert_eq!((labels(&model).len(), model.leases().len(), model.waiters().len()), (0, 1, 0));
    model.type_keys("\u{1b}/4712");
    assert_eq!((model.leases().len(), model.waiters().len()), (0, 1));
    model.type_keys("\u{1b}/gpt-5.5");
    assert_eq!((model.leases().len(), model.waiters().len(), model.history().len()), (1, 1, 1));
}

#[test]
fn pools_go_round() {
    let mut model = model();
    assert_eq!(model.type_keys("\t"), [Wish::Look("anthropic".to_owned())]);
    let back = KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT);
    assert_eq!(model.press(back), Some(Wish::Look("anthropic".to_owned())));
    model.picture.status = status(&[pool()]);
    assert_eq!(model.type_keys("\t"), [], "there is no other");
}

#[test]
fn a_bar_goes_from_when_it_was_reported_or_else_first_seen() {
    let mut model = model();
    assert_eq!(model.left_permille("d4e5f6"), Some(500));
    assert_eq!(model.left_permille("a1b2c3"), None);
    let mut later = picture_of(&pool());
    later.history.clear();
    later.status.now_at_ms = NOW + 21_500;
    model.hear(News::Seen(Box::new(later)), NOW);
    assert_eq!(model.left_permille("d4e5f6"), Some(250), "what was known is remembered");

    let mut unreported = picture_of(&pool());
    unreported.history.clear();
    let mut model = Model::new(unreported, NOW);
    assert_eq!(model.left_permille("d4e5f6"), Some(1_000));
    let mut longer = pool();
    longer["credentials"][1]["until_at_ms"] = json!(NOW + 90_000);
    model.hear(News::Seen(Box::new(picture_of(&longer))), NOW);
    assert_eq!(model.left_permille("d4e5f6"), Some(1_000), "another restriction begins anew");
}

#[test]
fn a_daemon_that_is_away_leaves_its_picture() {
    let mut model = model();
    model.hear(News::Away, NOW + 3_000);
    assert_eq!((model.away_ms, labels(&model).len()), (Some(3_000), 3));
    model.hear(News::Away, NOW + 4_000);
    assert_eq!(model.away_ms, Some(4_000));
    model.hear(News::Seen(Box::new(picture_of(&pool()))), NOW + 5_000);
    assert_eq!(model.away_ms, None);
}

#[test]
fn a_sentence_stands_until_the_next_key() {
    let mut model = model();
    model.hear(News::Said("done".to_owned()), NOW);
    assert_eq!(model.notice.as_deref(), Some("done"));
    model.type_keys("j");
    assert_eq!(model.notice, None);
}
