//! What holds for any input at all.

use super::*;
use crate::request::fields::Key;

/// Text with something in it of everything that has a meaning here.
fn nearly_a_request() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        (0..Key::ALL.len()).prop_map(|at| format!("{:?}", Key::ALL[at].name())),
        (0..OpName::ALL.len()).prop_map(|at| format!("{:?}", OpName::ALL[at].as_str())),
        "[a-z]{1,200}".prop_map(|text| format!("{text:?}")),
        any::<String>().prop_map(|text| format!("{text:?}")),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| number.to_string()),
        prop_oneof![Just("{}"), Just("[]"), Just("null"), Just("true"), Just("{"), Just("]")].prop_map(str::to_owned),
    ];
    proptest::collection::vec((word.clone(), word), 0..12).prop_map(|pairs| {
        let fields: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        format!("{{{}}}", fields.join(","))
    })
}

fn check_never_echoes(line: &[u8]) -> Result<(), TestCaseError> {
    match decode(line) {
        Ok(request) => {
            prop_assert!(request.unknown.len() <= MAX_UNKNOWN_NAMED);
            prop_assert!(request.unknown.iter().all(|name| name.len() <= 64));
        }
        Err(rejected) => {
            let message = rejected.error.message.as_bytes();
            for echo in message.windows(65) {
                prop_assert!(memchr::memmem::find(line, echo).is_none(), "{}", rejected.error);
            }
            prop_assert!(!rejected.error.message.contains('\n'));
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_line_panics_or_is_repeated(line in nearly_a_request()) {
        check_never_echoes(line.as_bytes())?;
    }

    #[test]
    fn no_bytes_panic_or_are_repeated(line in proptest::collection::vec(any::<u8>(), 0..300)) {
        check_never_echoes(&line)?;
    }

    #[test]
    fn no_value_is_repeated(value in "[A-Za-z0-9-]{20,80}", key in 0..Key::ALL.len()) {
        let key = Key::ALL[key].name();
        for line in [
            format!(r#"{{"op":"acquire","{key}":"{value}"}}"#),
            format!(r#"{{"op":"report_error","lease":"l","{key}":["{value}"]}}"#),
            format!(r#"{{"op":"release","lease":"l","{key}":{{"{value}":{{}}}},"wait_ms":"{value}"}}"#),
        ] {
            if let Err(rejected) = decode(line.as_bytes()) {
                prop_assert!(!rejected.error.message.contains(&value), "{}", rejected.error);
            }
        }
    }
}
