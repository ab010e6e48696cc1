//! Claude Code with keys from `credpool`, as far as it goes without a network: its provider is a server on the loopback
//! device.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::running::is_alive;
use crate::pages::{Page, tools::PAGE};
use crate::support::{
    AuthJson, Credpool, Daemon, Http, HttpAnswer, HttpRequest, Row, Tool, credential, eventually, need, pool, secret,
};

/// Two keys for Anthropic, with one slot each.
fn daemon() -> Daemon {
    let keys = [Row::key("key-0").set("base_url", json!(null)), Row::key("key-1").set("base_url", json!(null))];
    Daemon::configured(&AuthJson::default().pool("anthropic", keys), "[defaults]\ncap = \"hard\"\n")
}

/// Whether this is what Claude Code asks a model.
fn is_question(request: &HttpRequest) -> bool {
    request.method == "POST" && request.path.starts_with("/v1/messages?")
}

/// An assistant that says "pong".
fn pong(request: &HttpRequest) -> HttpAnswer {
    if !is_question(request) {
        return HttpAnswer::json(404, &"{}");
    }
    let asked: Value = serde_json::from_slice(&request.body).expect("JSON");
    let message = |content: Value| {
        json!({"id": "msg_1", "type": "message", "role": "assistant", "model": asked["model"], "content": content,
               "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 1, "output_tokens": 1}})
    };
    let text = json!({"type": "text", "text": "pong"});
    if asked["stream"] != true {
        let body = message(json!([text])).to_string();
        return HttpAnswer::json(200, &body);
    }
    let events = [
        json!({"type": "message_start", "message": message(json!([]))}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "pong"}}),
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}),
        json!({"type": "message_stop"}),
    ];
    let event = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap_or_default());
    HttpAnswer::new(200, "text/event-stream", events.iter().map(event).collect::<String>())
}

/// Lets Claude Code see the daemon's home, and this server as the whole network.
fn dress<'a>(command: &'a mut Command, credpool: &Credpool, server: &Http) -> &'a mut Command {
    credpool
        .dress(command)
        .env("ANTHROPIC_BASE_URL", server.url())
        .env("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1")
        .env("DISABLE_AUTOUPDATER", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
}

/// `claude -p` with the key helper of the documentation: what it prints.
#[track_caller]
fn ask_with_helper(claude: &PathBuf, daemon: &Daemon, server: &Http) -> String {
    let settings = daemon.home().user().join(".claude");
    std::fs::create_dir_all(&settings).expect("a new folder");
    std::fs::write(settings.join("settings.json"), Page::at(PAGE).block("json claude")).expect("a new file");
    let mut command = Command::new(claude);
    let output = dress(&mut command, &daemon.credpool(), server).args(["-p", "ping"]).output();
    let output = output.expect("Claude Code can be started");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn its_key_helper_gets_one_lease_however_often_it_asks() {
    let Some(claude) = need(Tool::Claude) else { return };
    let daemon = daemon();
    let keys = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&keys);
    let server = Http::start(move |request| {
        if is_question(request) {
            seen.lock().expect("nobody panicked").push(request.header("x-api-key").to_owned());
        }
        pong(request)
    });
    for _ in 0..2 {
        assert_eq!(ask_with_helper(&claude, &daemon, &server), "pong");
    }
    assert_eq!(*keys.lock().expect("nobody panicked"), vec![secret("key-0"); 2]);
    assert_eq!(pool(&mut daemon.wire(), "anthropic")["leases"], 1);
}

#[test]
fn a_key_that_fails_is_reported_and_the_helper_gives_another() {
    let Some(claude) = need(Tool::Claude) else { return };
    let daemon = daemon();
    let credpool = daemon.credpool();
    let server = Http::start(move |request| {
        if !is_question(request) || request.header("x-api-key") != secret("key-0") {
            return pong(request);
        }
        // As a hook of Claude Code's could: from the same session, without knowing the lease.
        let reported = credpool.run(&["report-error", "--last", "anthropic", "--status", "401"]);
        assert!(reported.status.success(), "{reported:?}");
        let body = r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#;
        HttpAnswer::json(401, &body)
    });
    assert_eq!(ask_with_helper(&claude, &daemon, &server), "pong");
    let mut wire = daemon.wire();
    assert_eq!(credential(&mut wire, "anthropic", "key-0")["state"], "cooling");
    assert_eq!(credential(&mut wire, "anthropic", "key-1")["leases"], 1);
    assert_eq!(pool(&mut wire, "anthropic")["leases"], 1);
}

#[test]
fn under_exec_it_has_a_lease_for_as_long_as_it_runs() {
    let Some(claude) = need(Tool::Claude) else { return };
    let daemon = daemon();
    let (sender, arrivals) = channel();
    let (answer, answers) = channel::<()>();
    let answers = Mutex::new(answers);
    let server = Http::start(move |request| {
        if is_question(request) {
            let _ = sender.send(request.header("x-api-key").to_owned());
            let _ = answers.lock().map(|answers| answers.recv());
        }
        pong(request)
    });
    let credpool = daemon.credpool();
    let start = || {
        let mut command = credpool.command(&["exec", "--pool", "anthropic", "--env", "ANTHROPIC_API_KEY", "--", "sh"]);
        command.arg("-c").arg(format!("echo $$ >&2; exec {} -p ping", claude.display()));
        dress(&mut command, &credpool, &server).spawn().expect("credpool can be started")
    };
    let leases = || pool(&mut daemon.wire(), "anthropic")["leases"].clone();

    let running = start();
    assert_eq!(arrivals.recv().expect("a request"), secret("key-0"));
    assert_eq!(leases(), 1);
    answer.send(()).expect("the server waits for it");
    let output = running.wait_with_output().expect("credpool is our child");
    assert_eq!((output.status.code(), &*output.stdout), (Some(0), &b"pong\n"[..]), "{output:?}");
    assert_eq!(leases(), 0);

    let mut running = start();
    let mut pid = String::new();
    let stderr = running.stderr.as_mut().expect("stderr is a pipe");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stderr), &mut pid).expect("text");
    arrivals.recv().expect("a request");
    assert_eq!(leases(), 1);
    running.kill().expect("credpool is ours to kill");
    running.wait().expect("credpool is our child");
    eventually("Claude Code is killed with credpool", || (!is_alive(pid.trim())).then_some(()));
    eventually("the key is free", || (leases() == 0).then_some(()));
    drop(answer);
}
