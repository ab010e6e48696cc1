//! A byte stream, in pieces as long as its first byte says: to lines, to requests, and to the answers to what is none.

#![no_main]

use std::collections::BTreeSet;

use bytes::BytesMut;
use credpool_fuzz::{assert_not_repeated, within};
use credpool_proto::codec::{Frame, LineDecoder};
use credpool_proto::envelope::Envelope;
use credpool_proto::request::{Id, Op, Rejected, ReportError, Request, decode};
use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;
use tokio_util::codec::Decoder;

/// Short, so that lines get longer.
const MAX_LINE_BYTES: usize = 2_048;

fuzz_target!(|input: &[u8]| {
    let Some((piece, stream)) = input.split_first() else { return };
    let frames = frames(stream, usize::from(*piece) + 1);
    assert_eq!(frames, self::frames(stream, usize::MAX), "it matters how the stream comes in");
    for line in frames {
        match line {
            Frame::Line(line) => check(&line),
            Frame::TooLong => {}
        }
    }
});

fn frames(stream: &[u8], piece: usize) -> Vec<Frame> {
    let mut decoder = LineDecoder::new(MAX_LINE_BYTES);
    let (mut buffer, mut frames) = (BytesMut::new(), Vec::new());
    for piece in stream.chunks(piece) {
        buffer.extend_from_slice(piece);
        while let Some(frame) = decoder.decode(&mut buffer).expect("it never fails") {
            frames.push(frame);
        }
        assert!(buffer.len() <= MAX_LINE_BYTES + 1, "{} bytes are kept", buffer.len());
    }
    frames
}

fn check(line: &[u8]) {
    match within(16 * line.len() + 4_096, || decode(line)) {
        Ok(request) => check_accepted(line, &request),
        Err(rejected) => check_rejected(line, &rejected),
    }
}

/// What is accepted is JSON, and means the same when it is written differently.
fn check_accepted(line: &[u8], request: &Request<'_>) {
    serde_json::from_slice::<IgnoredAny>(line).expect("what is accepted is JSON");
    // A number that no double holds is somebody else's field, and of no interest.
    let Ok(Value::Object(object)) = serde_json::from_slice(line) else { return };
    assert_eq!(object["op"], request.op.name().as_str());
    assert_eq!(request.id.as_ref().map(id), object.get("id").filter(|id| !id.is_null()).cloned());
    let again = serde_json::to_vec_pretty(&object).expect("JSON can be written");
    let again = decode(&again).expect("it is the same request");
    assert_eq!((&again.id, &again.unknown), (&request.id, &request.unknown));
    match (&again.op, &request.op) {
        (Op::Acquire { pool, options }, Op::Acquire { pool: before, options: meant })
        | (Op::Explain { pool, options }, Op::Explain { pool: before, options: meant }) => {
            assert_eq!((pool, options), (before, meant));
        }
        (Op::ReportError(report), Op::ReportError(before)) => {
            assert_eq!((&report.subject, report.report, report.keep), (&before.subject, before.report, before.keep));
            assert_eq!(report.next, before.next);
            // Their numbers are kept as they were written.
            let names = |op: &ReportError<'_>| op.facts.headers.iter().map(|(name, _)| name.to_owned()).collect();
            let (again, before): (BTreeSet<String>, BTreeSet<String>) = (names(report), names(before));
            assert_eq!(again, before);
        }
        (again, before) => assert_eq!(again.name(), before.name()),
    }
}

/// What is refused is answered with one line that repeats little of it.
fn check_rejected(line: &[u8], rejected: &Rejected<'_>) {
    assert_not_repeated(&rejected.error.message, line);
    let mut answer = Vec::new();
    Envelope::to(rejected.id.as_ref()).error(&mut answer, &rejected.error);
    assert_eq!(answer.iter().position(|byte| *byte == b'\n'), Some(answer.len() - 1), "one line");
    let answer: Value = serde_json::from_slice(&answer).expect("an answer is JSON");
    assert_eq!(answer["id"], rejected.id.as_ref().map_or(Value::Null, id));
}

fn id(id: &Id<'_>) -> Value {
    serde_json::to_value(id).expect("ids are JSON")
}
