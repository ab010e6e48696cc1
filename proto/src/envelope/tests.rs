use super::*;
use crate::reply::{Cleared, Pong};
use crate::words::ErrorCode;

fn line(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = b"before\n".to_vec();
    write(&mut out);
    let text = String::from_utf8(out).unwrap();
    text.strip_prefix("before\n").unwrap().to_owned()
}

#[test]
fn an_answer_continues_the_envelope() {
    let id = Id::Int(7);
    assert_eq!(
        line(|out| Envelope::to(Some(&id)).ok(out, &Cleared { cleared: 2 })),
        "{\"id\":7,\"ok\":true,\"cleared\":2}\n"
    );
}

#[test]
fn an_answer_without_fields_is_only_the_envelope() {
    let id = Id::Str("a\"b".into());
    assert_eq!(line(|out| Envelope::to(Some(&id)).ok(out, &Pong {})), "{\"id\":\"a\\\"b\",\"ok\":true}\n");
}

#[test]
fn a_request_without_an_id_is_answered_with_null() {
    let error = WireError::new(ErrorCode::Draining, "going down");
    assert_eq!(
        line(|out| Envelope::default().error(out, &error)),
        "{\"id\":null,\"ok\":false,\"error\":{\"code\":\"draining\",\"message\":\"going down\"}}\n"
    );
}

#[test]
fn ignored_fields_warnings_and_health_come_last() {
    let envelope = Envelope {
        id: None,
        unknown: &["colour".into(), "next.\u{1b}".into()],
        warnings: &["row 3 was skipped".into()],
        degraded: true,
        durable: false,
    };
    assert_eq!(
        line(|out| envelope.ok(out, &Cleared { cleared: 0 })),
        "{\"id\":null,\"ok\":true,\"cleared\":0,\"warnings\":[\"unknown field `colour` was ignored\",\
         \"unknown field `next.\\u001b` was ignored\",\"row 3 was skipped\"],\
         \"degraded\":true,\"durable\":false}\n"
    );
    assert!(
        line(|out| envelope.error(out, &WireError::internal()))
            .ends_with("\"row 3 was skipped\"],\"degraded\":true,\"durable\":false}\n")
    );
}

#[test]
fn what_cannot_be_written_is_answered_as_our_fault() {
    let id = Id::Int(1);
    let broken = std::collections::BTreeMap::from([((), 1)]);
    let answer = line(|out| Envelope::to(Some(&id)).ok(out, &broken));
    assert!(answer.starts_with("{\"id\":1,\"ok\":false,\"error\":{\"code\":\"internal\""));
    let answer = line(|out| Envelope::to(Some(&id)).ok(out, &[1, 2]));
    assert!(answer.starts_with("{\"id\":1,\"ok\":false,\"error\":{\"code\":\"internal\""));
}
