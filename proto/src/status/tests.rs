use super::*;
use crate::envelope::Envelope;

fn restriction() -> Restriction<'static> {
    Restriction {
        scope: Scope::Model,
        model: Some("gpt-5.5".into()),
        kind: "rate_limit".into(),
        status: Some(429),
        reason: Some("rate_limit_exceeded".into()),
        until_at_ms: Some(1_795_471_643_000),
        phase: Phase::Closed,
        strikes: 1,
        evidence: Some(Evidence { source: "header:retry-after".into(), raw: "43".into() }),
    }
}

fn holder() -> Holder<'static> {
    Holder { client: Some("example/1.0".into()), pid: None, uid: 1_000 }
}

fn lease() -> LeaseOut<'static> {
    LeaseOut {
        number: 7,
        credential: "a1b2c3".into(),
        model: None,
        class: Class::Interactive,
        session: true,
        probe: false,
        detached: false,
        held_ms: 5,
        expires_at_ms: 1_795_475_600_000,
        holder: Some(holder()),
    }
}

fn status() -> Status<'static> {
    Status {
        server: "credpoold/0.1.0".into(),
        pid: 7,
        run: "r1".into(),
        started_at_ms: 1,
        now_at_ms: 2,
        auth_file: Some("/home/ann/.hermes/auth.json".into()),
        definitions: Definitions {
            changes: 1,
            loaded_at_ms: Some(1),
            ok: true,
            problems: vec![Problem { place: "auth.json, openrouter row 3".into(), problem: "it has no secret".into() }],
            problems_total: 1,
        },
        pools: vec![PoolStatus {
            name: "openrouter".into(),
            strategy: "fill_first".into(),
            total: 1,
            counts: BTreeMap::from([(CredentialState::Ready, 1)]),
            leases: 0,
            waiters: 1,
            waiting: BTreeMap::from([(Class::Background, 1)]),
            line: vec![Waiter {
                number: 3,
                class: Class::Background,
                position: 1,
                waited_ms: 20,
                estimate_ms: None,
                model: Some("gpt-5.5".into()),
                holder: Some(holder()),
            }],
            leases_out: Some(LeasesOut { page: vec![lease()], next: Some(7) }),
            restrictions: Vec::new(),
            warnings: Vec::new(),
            profiles: vec![ProfileStatus { profile: "coder".into(), strategy: "random".into(), total: 1 }],
            credentials: vec![CredentialStatus {
                id: "a1b2c3".into(),
                label: "work".into(),
                auth_type: "api_key".into(),
                source: "manual".into(),
                priority: 0,
                fingerprint: None,
                secret_expires_at_ms: Some(1_795_475_600_000),
                epoch: "e1".into(),
                state: CredentialState::Ready,
                cause: None,
                until_at_ms: None,
                restrictions: vec![restriction()],
                windows: vec![QuotaWindow {
                    name: "5h".into(),
                    model: None,
                    limit: None,
                    remaining: None,
                    used_permille: Some(720),
                    reset_at_ms: Some(1_795_475_600_000),
                    refills: false,
                    seen_at_ms: 1_795_471_600_000,
                }],
                leases: 0,
                max_in_flight: 1,
                cap: Cap::Soft,
                grants: 3,
                profiles: vec!["default".into(), "coder".into()],
            }],
        }],
        next: None,
        snapshot: Some(Snapshot {
            path: "/state.json".into(),
            durability: "sync".into(),
            trouble: Some("no space left on device".into()),
            problems: vec![Problem { place: "state.json".into(), problem: "is a link".into() }],
        }),
        degraded: false,
        durable: true,
    }
}

#[test]
fn a_status_is_read_back_as_it_was_written() {
    let json = serde_json::to_string(&status()).unwrap();
    assert_eq!(serde_json::from_str::<Status<'_>>(&json).unwrap(), status());
    assert!(json.contains(r#""problems":[{"where":"auth.json, openrouter row 3","problem":"#));
    assert!(json.contains(r#""counts":{"ready":1}"#));
}

#[test]
fn health_is_written_by_the_envelope_and_read_from_it() {
    let envelope = Envelope { degraded: true, durable: false, ..Envelope::default() };
    let mut out = Vec::new();
    envelope.ok(&mut out, &status());
    let read: Status<'_> = serde_json::from_slice(&out).unwrap();
    assert!(read.degraded);
    assert!(!read.durable);
}
