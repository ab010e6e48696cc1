//! The credential pool as a pure, deterministic state machine.
//!
//! [`Core::apply`] takes a reading of the clocks and a [`Command`], and gives a [`Reply`]; [`Core::changes`] then names
//! every record that the command left different. There is no I/O here, no clock, no thread and no dependency: the same
//! seed, commands and readings give the same replies and the same records, byte for byte. The core never sees a secret,
//! a lease token, a header or a body.
//!
//! ```
//! use credpool_core::{Acquire, Ask, Boot, Command, Core, Define, Definition, Limits, Now, Policy, Reply, TokenHash, Wall};
//!
//! let mut core = Core::new(7, Limits::default());
//! let now = Now { boot: Boot(1_000), wall: Wall(1_795_000_000_000) };
//! let work = Definition {
//!     id: "a1b2c3".into(),
//!     fingerprint: Some("sha256:053ad1494404cdc3".into()),
//!     unresolved: "".into(),
//!     referable: true,
//!     account: "sha256:053ad1494404cdc3".into(),
//!     cap: None,
//!     expires: None,
//!     grants: 0,
//! };
//! let define = Define { pool: "openrouter".into(), policy: Policy::default(), definitions: vec![work], lists: Vec::new() };
//! let Reply::Defined(defined) = core.apply(now, Command::Define(define)) else { unreachable!() };
//! let acquire = Acquire { pool: defined.pool, ask: Ask::default(), token: TokenHash(1), owner: None, wait: None };
//! let Reply::Acquired(Ok(grant)) = core.apply(now, Command::Acquire(acquire)) else { unreachable!() };
//! assert_eq!(grant.credential, defined.keys[0]);
//! ```
//!
//! The map: `records` is the state, `tables` what holds them, `index` what is derived from it (by `derive`, all at once,
//! and by each command as it goes); `restore` takes up the records of an earlier run; `machine`, `placing` and
//! `restrictions` keep the two together; `leases`, `choosing`, `refusal`, `renewals`, `waiting`, `affinity`, `judging`, `guard`, `recovery`, `quotas`,
//! `operator`, `define`, `lists` and `deadlines` are what commands do, and `history` what is remembered of that; `queries`
//! looks and changes nothing; `invariants` says what must hold after every command.

mod affinity;
mod cause;
mod choosing;
mod command;
mod deadlines;
mod define;
mod derive;
mod guard;
mod history;
mod index;
mod invariants;
mod judging;
mod leases;
mod lists;
mod machine;
mod operator;
mod placing;
mod policy;
mod queries;
mod quota;
mod quotas;
mod ranking;
mod records;
mod recovery;
mod refusal;
mod renewals;
mod restore;
mod restriction;
mod restrictions;
mod rng;
mod tables;
mod time;
mod waiting;

pub use affinity::{Binding, Tie};
pub use cause::{Cause, Kind, State};
pub use command::{
    Acquire, AskRenewal, Claim, Claimed, Clear, Command, Define, Defined, Definition, Disable, EndRenewal, Grant,
    Import, Listing, Next, Release, Released, Renew, Renewed, Renewing, Reply, Report, Reported, Subject, Verdict,
};
pub use deadlines::Deadline;
pub use guard::{Opened, Spark, Suspicion};
pub use history::{Entry, Event};
pub use machine::Core;
pub use policy::{Backoff, Cap, Cooldowns, Guard, Limits, Policy, Recovery, Strategy};
pub use queries::{Candidate, Choice, Explanation, Ineligible, Place};
pub use quota::{Quota, QuotaKey, Reading};
pub use quotas::Standing;
pub use records::{
    Account, AccountKey, Ask, ChosenBy, Conclusion, Credential, CredentialKey, EndedBy, Ending, EntryNo, Evidence,
    Header, Identity, Lease, LeaseNo, List, ListKey, Model, Owner, Pool, PoolKey, Profile, Reach, Scope, Seq, Session,
    TokenHash, WaiterNo, Watermark, Why,
};
pub use refusal::{Absent, Limit, Obstacle, Refusal, Unavailable};
pub use renewals::{Attempt, Renewal, Stage};
pub use restriction::{Phase, Restriction};
pub use rng::Rng;
pub use tables::{Change, Delta, Records, Touched};
pub use time::{Boot, Now, Until, Wall};
pub use waiting::{Class, Line, Settled, Wait, Waiter};
