use super::*;

fn accept(line: &str) -> Request<'_> {
    decode(line.as_bytes()).unwrap_or_else(|rejected| panic!("{line}: {}", rejected.error))
}

#[test]
fn smoke() {
    let request = accept(r#"{"wait_ms":5,"op":"acquire","colour":1,"pool":"p","exclude":["a","b"],"id":"x","lease":7}"#.replace("\"lease\":7", "\"lease\":\"l\"").leak());
    eprintln!("{request:?}");
    let request = accept(
        r#"{"id":3,"op":"report_error","lease":"l","status":429,"headers":{"Retry-After":43,"X":["a","b"]},"body":{"error":1},"next":{"model":"m","x":1}}"#,
    );
    eprintln!("{request:?}");
    for bad in [
        "[]",
        "{} {}",
        "{",
        r#"{"op":"ping","op":"ping"}"#,
        r#"{"id":4,"op":"nope"}"#,
        r#"{"id":4,"wait_ms":1.5,"op":"acquire"}"#,
        r#"{"id":4,"wait_ms":1.5,"op":"ping"}"#,
        r#"{"id":4,"op":"report_error","lease":"l","next":{"wait_ms":1.0}}"#,
    ] {
        eprintln!("{bad} -> {:?}", decode(bad.as_bytes()));
    }
}
