use super::*;

#[test]
fn a_line_says_what_happened_and_is_read_again() {
    let ended = Ended {
        pool: "openrouter".into(),
        credential: "a1b2c3".into(),
        label: "work".into(),
        lease: 7,
        held_ms: 43,
        ended_by: EndedBy::Ttl,
    };
    let line = EventLine { event: Event::Reclaimed(ended), seq: 3, at_ms: 1_795_471_600_000 };
    let mut out = b"before\n".to_vec();
    line.write(&mut out);
    let text = std::str::from_utf8(&out).unwrap();
    assert_eq!(
        text,
        "before\n{\"event\":\"reclaimed\",\"pool\":\"openrouter\",\"credential\":\"a1b2c3\",\"label\":\"work\",\"lease\":7,\
         \"held_ms\":43,\"ended_by\":\"ttl\",\"seq\":3,\"at_ms\":1795471600000}\n"
    );
    let read: EventLine<'static> = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!(read, line);
}

#[test]
fn an_event_of_a_newer_daemon_is_one_without_a_word() {
    let read: EventLine<'static> = serde_json::from_str(r#"{"event":"sung","song":[1,2],"seq":9,"at_ms":1}"#).unwrap();
    assert_eq!((read.event, read.seq), (Event::Other, 9));
}

#[test]
fn what_was_missed_is_a_line_of_its_own() {
    let mut out = Vec::new();
    Lagged { missed: 12 }.write(&mut out);
    assert_eq!(out, b"{\"event\":\"lagged\",\"missed\":12}\n");
}
