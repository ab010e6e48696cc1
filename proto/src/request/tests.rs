//! Every rule of the module's introduction, and every limit just under, at and just over it.

mod any_field;
mod anything;
mod ids;
mod line;
mod operations;
mod reports;

use proptest::prelude::*;

use super::*;
use crate::error::Details;
use crate::limits::{
    MAX_CURSOR_BYTES, MAX_EXCLUDE, MAX_ID_BYTES, MAX_INTEGER, MAX_NAME_BYTES, MAX_PROTOCOLS, MAX_REPORTS_PER_LEASE,
    MAX_STATUS_PAGE, MAX_UNKNOWN_NAMED,
};

#[track_caller]
fn accept(line: &str) -> Request<'_> {
    match decode(line.as_bytes()) {
        Ok(request) => request,
        Err(rejected) => panic!("{line} is refused: {}", rejected.error),
    }
}

#[track_caller]
fn reject(line: &[u8]) -> Rejected<'_> {
    match decode(line) {
        Ok(request) => panic!("{request:?} is accepted"),
        Err(rejected) => rejected,
    }
}

/// The message of a `bad_request`.
#[track_caller]
fn complaint(line: &str) -> String {
    let rejected = reject(line.as_bytes());
    assert_eq!(rejected.error.code, ErrorCode::BadRequest, "{line}");
    rejected.error.message.into_owned()
}

#[track_caller]
fn acquire(line: &str) -> AcquireOptions<'_> {
    match accept(line).op {
        Op::Acquire { options, .. } => options,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn report(line: &str) -> ReportError<'_> {
    match accept(line).op {
        Op::ReportError(report) => *report,
        other => panic!("{other:?}"),
    }
}

/// A `report_error` with one more field.
fn with(field: &str) -> String {
    format!(r#"{{"op":"report_error","lease":"l",{field}}}"#)
}
