use serde_json::value::RawValue;

use super::*;
use crate::envelope::Envelope;
use crate::request::Id;
use crate::words::ErrorCode;

fn read<'de, T: Deserialize<'de>>(json: &'de str) -> T {
    serde_json::from_str(json).unwrap()
}

fn grant<C>(credential: C) -> Grant<'static, C> {
    Grant {
        lease: "9f0c".into(),
        pool: "openrouter".into(),
        credential,
        expires_at_ms: 1_795_471_600_000,
        probe: false,
        chosen_by: "fill_first".into(),
        queued_ms: 0,
        expired: false,
    }
}

fn credential<S>(secret: Option<S>) -> Credential<'static, S> {
    Credential {
        id: "a1b2c3".into(),
        label: "work".into(),
        auth_type: "api_key".into(),
        secret,
        secret_ref: None,
        auth: AuthHeader { header: "Authorization".into(), prefix: "Bearer ".into() },
        secret_expires_at_ms: None,
        base_url: Some("https://openrouter.ai/api/v1".into()),
        fingerprint: Some("sha256:053ad1494404cdc3".into()),
        epoch: "e3-9f".into(),
    }
}

fn verdict() -> Verdict<'static> {
    Verdict {
        kind: VerdictKind::RateLimit,
        scope: Scope::Model,
        model: Some("gpt-5.5".into()),
        state: CredentialState::Cooling,
        until_at_ms: Some(1_795_471_643_000),
        retry_after_ms: Some(43_000),
        strikes: 1,
        rule: "openai.429.rate_limit_exceeded".into(),
        evidence: Some(Evidence { source: "header:retry-after".into(), raw: "43".into() }),
    }
}

#[test]
fn a_rendered_credential_makes_the_same_lease_as_its_parts() {
    let parts = credential(Some(ExposedSecret("sk-or-1")));
    let rendered = RawValue::from_string(serde_json::to_string(&parts).unwrap()).unwrap();
    let id = Id::Int(1);
    let mut out = Vec::new();
    Envelope::to(Some(&id)).ok(&mut out, &grant(&*rendered));
    assert_eq!(
        String::from_utf8(out).unwrap(),
        "{\"id\":1,\"ok\":true,\"lease\":\"9f0c\",\"pool\":\"openrouter\",\"credential\":{\
         \"id\":\"a1b2c3\",\"label\":\"work\",\"auth_type\":\"api_key\",\"secret\":\"sk-or-1\",\
         \"auth\":{\"header\":\"Authorization\",\"prefix\":\"Bearer \"},\
         \"secret_expires_at_ms\":null,\"base_url\":\"https://openrouter.ai/api/v1\",\
         \"fingerprint\":\"sha256:053ad1494404cdc3\",\"epoch\":\"e3-9f\"},\
         \"expires_at_ms\":1795471600000,\"probe\":false,\"chosen_by\":\"fill_first\",\
         \"queued_ms\":0}\n"
    );
}

#[test]
fn a_lease_is_read_back_as_it_was_written() {
    let lease = grant(credential(Some("sk-or-1".to_owned())));
    let json = serde_json::to_string(&lease).unwrap();
    assert_eq!(read::<Grant<'_, Credential<'_, String>>>(&json), lease);
}

#[test]
fn a_withheld_secret_is_null_and_a_reference_says_where_it_is() {
    let mut withheld = credential::<String>(None);
    withheld.secret_ref = Some(SecretRef { env: Some("OPENROUTER_API_KEY".into()), ..SecretRef::default() });
    let json = serde_json::to_string(&withheld).unwrap();
    assert!(json.contains(r#""secret":null,"secret_ref":{"env":"OPENROUTER_API_KEY"}"#));
    assert_eq!(read::<Credential<'_, String>>(&json), withheld);
}

#[test]
fn a_report_is_answered_with_a_verdict_and_no_more_than_there_is() {
    let reply: ReportReply<'_, ()> = ReportReply {
        applied: true,
        why: None,
        lease_ended: true,
        ended_by: None,
        duplicate: false,
        verdict: verdict(),
        next: None,
        next_error: None,
    };
    let json = serde_json::to_string(&reply).unwrap();
    assert_eq!(
        json,
        "{\"applied\":true,\"lease_ended\":true,\"verdict\":{\"kind\":\"rate_limit\",\
         \"scope\":\"model\",\"model\":\"gpt-5.5\",\"state\":\"cooling\",\
         \"until_at_ms\":1795471643000,\"retry_after_ms\":43000,\"strikes\":1,\
         \"rule\":\"openai.429.rate_limit_exceeded\",\
         \"evidence\":{\"source\":\"header:retry-after\",\"raw\":\"43\"}}}"
    );
    assert_eq!(read::<ReportReply<'_, ()>>(&json), reply);
}

#[test]
fn a_report_may_be_answered_with_more() {
    let reply = ReportReply {
        applied: false,
        why: Some(NotApplied::ClearedSince),
        lease_ended: true,
        ended_by: Some(EndedBy::Ttl),
        duplicate: true,
        verdict: verdict(),
        next: Some(grant(credential(Some("sk".to_owned())))),
        next_error: Some(WireError::new(ErrorCode::Draining, "going down")),
    };
    let json = serde_json::to_string(&reply).unwrap();
    assert_eq!(read::<ReportReply<'_, Credential<'_, String>>>(&json), reply);
}

#[test]
fn words_and_fields_of_a_newer_daemon_are_no_obstacle() {
    let released: Released = read(r#"{"id":1,"ok":true,"held_ms":5,"ended_by":"eclipse","new":[]}"#);
    assert_eq!(released.ended_by, Some(EndedBy::Other));
    let brief: CredentialBrief<'_> =
        read(r#"{"id":"a","label":"b","state":"dreaming","cause":null,"until_at_ms":null}"#);
    assert_eq!(brief.state, CredentialState::Other);
    let hello: Hello<'_> = read(
        r#"{"protocol":1,"server":"credpoold/9","run":"r","pid":1,"auth_file":null,
            "limits":{"leases":7,"moons":2}}"#,
    );
    assert_eq!(hello.limits.leases, 7);
    assert_eq!(hello.limits.connections, Limits::default().connections);
}

#[test]
fn what_the_envelope_writes_is_not_written_twice() {
    let reloaded = Reloaded { added: 1, warnings: vec!["row 3 was skipped".to_owned()], ..Reloaded::default() };
    assert_eq!(serde_json::to_string(&reloaded).unwrap(), r#"{"added":1,"removed":0,"changed":0}"#);
    let read: Reloaded = read(r#"{"added":1,"removed":0,"changed":0,"warnings":["row 3 was skipped"]}"#);
    assert_eq!(read, reloaded);
}
