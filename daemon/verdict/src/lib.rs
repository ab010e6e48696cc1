//! What a failed request says about the credential that it used.
//!
//! [`classify`] turns the facts that a client reports (HTTP status, headers, body, its own knowledge) into a
//! [`Verdict`]: what kind of failure it was, what it is about, and until when the provider asks to be left alone. The
//! crate is pure: no clock but the `now` in [`Context`], no I/O, no state. It never decides for how long to back off
//! without a hint; that is policy, and policy is somebody else's.
//!
//! [`quota_windows`] reads from any response, good or bad, what it says is left; [`judge`] does both.
//!
//! - `json` and `places` find what matters in a body, whatever is left of it; `quoting` tells an error's own words from a
//!   request's; `signals` is what they find.
//! - `rules/` holds the tables that conclude the kind, `hints/` the readers of reset hints, `windows/` those of quota
//!   windows. Each table and each reader is one file, so that a vendor's peculiarities are added without touching the
//!   others.
//! - Every rule and every piece of evidence has a stable name, because people will search logs for it.

mod evidence;
mod facts;
mod hints;
mod json;
mod kind;
mod places;
mod quoting;
mod rules;
mod signals;
mod vendor;
mod verdict;
mod windows;

pub use evidence::{Evidence, MAX_EVIDENCE_BYTES, scrub};
pub use facts::{Context, Facts, Scalar};
pub use hints::{Hint, MAX_HINT_MS};
pub use kind::{Kind, UnknownKind};
pub use verdict::{Scope, Verdict, classify, judge};
pub use windows::{MAX_WINDOW_NAME_BYTES, MAX_WINDOWS, QuotaWindow, SPENT_RULE, Wait, quota_windows};
