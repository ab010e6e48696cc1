use proptest::prelude::*;

use super::*;
use crate::limits::Limits;

/// Feeds `pieces` one after the other and returns the frames, and whether a line was left open.
fn decode<'p>(limit: usize, pieces: impl IntoIterator<Item = &'p [u8]>) -> (Vec<Frame>, bool) {
    let mut decoder = LineDecoder::new(limit);
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        while let Some(frame) = decoder.decode(&mut buffer).unwrap() {
            frames.push(frame);
        }
        assert!(buffer.len() <= limit + 1, "more is kept than a line may have");
    }
    (frames, decoder.has_partial())
}

fn whole(limit: usize, input: &[u8]) -> (Vec<Frame>, bool) {
    decode(limit, [input])
}

fn line(text: impl AsRef<[u8]>) -> Frame {
    Frame::Line(BytesMut::from(text.as_ref()))
}

#[test]
fn both_line_endings_are_stripped_and_only_one_of_each() {
    let (frames, partial) = whole(100, b"one\ntwo\r\nthree\r\r\n");
    assert_eq!(frames, [line("one"), line("two"), line("three\r")]);
    assert!(!partial);
}

#[test]
fn blank_lines_are_skipped() {
    let (frames, partial) = whole(100, b"\n\r\n \t \n  \r\na\n\n");
    assert_eq!(frames, [line("a")]);
    assert!(!partial);
}

#[test]
fn a_line_at_the_limit_is_a_line_whatever_its_ending() {
    let limit = Limits::default().request_line_bytes;
    assert_eq!(limit, 262_144);
    for (bytes, fits) in [(limit - 1, true), (limit, true), (limit + 1, false)] {
        for ending in ["\n", "\r\n"] {
            let mut input = vec![b'x'; bytes];
            let expected = if fits { line(&input) } else { Frame::TooLong };
            input.extend_from_slice(ending.as_bytes());
            assert_eq!(whole(limit, &input).0, [expected], "{bytes} bytes and {ending:?}");
        }
    }
}

#[test]
fn the_line_after_a_long_one_is_read() {
    let (frames, partial) = whole(4, b"12345\nabc\n123456789\nd\n");
    assert_eq!(frames, [Frame::TooLong, line("abc"), Frame::TooLong, line("d")]);
    assert!(!partial);
}

#[test]
fn a_long_line_is_refused_before_it_ends_and_is_open_until_then() {
    let (frames, partial) = whole(4, b"123456");
    assert_eq!(frames, [Frame::TooLong]);
    assert!(partial);
    let (frames, partial) = decode(4, [b"123456".as_slice(), b"789", b"0\n"]);
    assert_eq!(frames, [Frame::TooLong]);
    assert!(!partial);
}

#[test]
fn a_long_line_is_not_kept() {
    let piece = [b'x'; 1_024];
    let pieces = std::iter::repeat_n(piece.as_slice(), 1_024).chain([b"\nok\n".as_slice()]);
    // `decode` checks the buffer after every piece.
    assert_eq!(decode(4_096, pieces).0, [Frame::TooLong, line("ok")]);
}

#[test]
fn an_unterminated_last_line_is_nothing() {
    let mut decoder = LineDecoder::new(100);
    let mut buffer = BytesMut::from(b"a\nb\nrest".as_slice());
    assert_eq!(decoder.decode_eof(&mut buffer).unwrap(), Some(line("a")));
    assert_eq!(decoder.decode_eof(&mut buffer).unwrap(), Some(line("b")));
    assert_eq!(decoder.decode_eof(&mut buffer).unwrap(), None);
    assert!(buffer.is_empty());
    assert!(!decoder.has_partial());
}

#[test]
fn an_open_line_is_known_to_be_open() {
    for (input, open) in [("", false), ("a\n", false), ("\n", false), ("a", true), (" ", true), ("a\nb", true)] {
        assert_eq!(whole(100, input.as_bytes()).1, open, "{input:?}");
    }
}

#[test]
fn every_byte_is_looked_at_once() {
    let mut decoder = LineDecoder::new(262_144);
    let mut buffer = BytesMut::new();
    for _ in 0..262_144 {
        buffer.extend_from_slice(b"x");
        assert_eq!(decoder.decode(&mut buffer).unwrap(), None);
    }
    buffer.extend_from_slice(b"\n");
    assert!(matches!(decoder.decode(&mut buffer), Ok(Some(Frame::Line(_)))));
    assert_eq!(decoder.bytes_searched, 262_145);
}

#[test]
fn splitting_at_any_byte_changes_nothing() {
    let input = b"one\r\n\n12345678\ntwo\n123456789\r\n\r\n1234567\r\nrest";
    let expected = whole(7, input);
    assert_eq!(expected.0, [line("one"), Frame::TooLong, line("two"), Frame::TooLong, line("1234567")]);
    for at in 0..=input.len() {
        let (left, right) = input.split_at(at);
        assert_eq!(decode(7, [left, right]), expected, "split at {at}");
    }
    assert_eq!(decode(7, input.chunks(1)), expected, "byte by byte");
}

proptest! {
    #[test]
    fn pieces_of_any_size_give_the_same_lines(
        input in proptest::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), Just(b' '), Just(b'x')], 0..200),
        cuts in proptest::collection::vec(1_usize..20, 1..200),
    ) {
        let mut rest = input.as_slice();
        let pieces = cuts.iter().cycle().map_while(|&cut| {
            let (piece, tail) = rest.split_at(cut.min(rest.len()));
            rest = tail;
            (!piece.is_empty()).then_some(piece)
        });
        prop_assert_eq!(decode(6, pieces), whole(6, &input));
    }
}
