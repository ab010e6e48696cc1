//! `status`.

use std::fmt::Write as _;

use credpool_client::proto::status::{CredentialStatus, Definitions, PoolStatus, QuotaWindow, Snapshot, Status};
use credpool_client::proto::words::CredentialState;

use super::style::{BAD, FAINT, ODD, PLAIN, STRONG, of_state, paint};
use super::table::{self, Cell, Column, Row};
use super::time::for_people;
use super::{WIDTH, cause_of, clean, count, restriction, running_out, words};

pub(crate) mod leases;

const COLUMNS: [Column; 7] = [
    Column { heading: "STATE", right: false, shrinks_to: None },
    Column { heading: "LEFT", right: true, shrinks_to: None },
    Column { heading: "CAUSE", right: false, shrinks_to: Some(20) },
    Column { heading: "LEASES", right: true, shrinks_to: None },
    Column { heading: "CALLS", right: true, shrinks_to: None },
    Column { heading: "LABEL", right: false, shrinks_to: Some(10) },
    // Whole, since it is there to be copied.
    Column { heading: "ID", right: false, shrinks_to: None },
];

/// All pages of a status, put together.
pub(crate) fn render(status: &Status<'_>) -> String {
    let mut out = String::new();
    header(&mut out, status);
    for pool in &status.pools {
        out.push('\n');
        self::pool(&mut out, pool, status.now_at_ms);
    }
    if status.pools.is_empty() {
        out.push_str("\nThere is no pool: no definition has been read.\n");
    }
    out
}

/// A pool that goes on over the end of a page has its header on both.
pub(crate) fn append(status: &mut Status<'static>, page: Status<'static>) {
    for mut pool in page.pools {
        match status.pools.last_mut() {
            Some(last) if last.name == pool.name => last.credentials.append(&mut pool.credentials),
            _ => status.pools.push(pool),
        }
    }
    status.next = page.next;
}

fn header(out: &mut String, status: &Status<'_>) {
    let uptime = for_people(status.now_at_ms.saturating_sub(status.started_at_ms));
    let _ = write!(out, "{}  up {uptime}, pid {}", paint(STRONG, clean(&status.server)), status.pid);
    if let Some(file) = &status.auth_file {
        let _ = write!(out, ", {}", clean(file));
    }
    out.push('\n');
    for text in health(status) {
        alarm(out, text);
    }
    if let Some(snapshot) = &status.snapshot {
        self::snapshot(out, snapshot);
    }
    definitions(out, &status.definitions, status.now_at_ms);
}

/// What is wrong with all of it.
pub(crate) fn alarms(status: &Status<'_>) -> Vec<String> {
    let of_definitions = unread(&status.definitions, status.now_at_ms);
    health(status).map(str::to_owned).chain(of_definitions).collect()
}

fn health(status: &Status<'_>) -> impl Iterator<Item = &'static str> {
    let degraded = status.degraded.then_some("the shared store is away: this machine goes on alone");
    let forgetful =
        (!status.durable).then_some("the disk is failing: what happens now may be forgotten at the next start");
    degraded.into_iter().chain(forgetful)
}

/// That definitions cannot be read, if they cannot.
fn unread(definitions: &Definitions<'_>, now_ms: u64) -> Option<String> {
    match definitions.loaded_at_ms {
        _ if definitions.ok => None,
        Some(at_ms) => {
            let ago = for_people(now_ms.saturating_sub(at_ms));
            Some(format!("the definitions cannot be read; those of {ago} ago are served"))
        }
        None => Some("definitions cannot be read, and never could; the lines below say which".to_owned()),
    }
}

/// What restricts the pool as a whole, or a model of it.
pub(crate) fn pool_alarms(pool: &PoolStatus<'_>, now_ms: u64) -> Vec<String> {
    let alarms = pool.restrictions.iter().map(|each| {
        let whole = each.model.as_ref().map_or("the whole pool".into(), |model| clean(model));
        format!("{whole}: {}", restriction(each, now_ms))
    });
    alarms.collect()
}

fn snapshot(out: &mut String, snapshot: &Snapshot<'_>) {
    if let Some(trouble) = &snapshot.trouble {
        let _ = writeln!(out, "{} {}: {}", paint(ODD, "!"), clean(&snapshot.path), clean(trouble));
    }
    for problem in &snapshot.problems {
        let text = format!("{} {}, and was set aside", clean(&problem.place), clean(&problem.problem));
        let _ = writeln!(out, "{} {text}", paint(ODD, "!"));
    }
}

pub(super) fn definitions(out: &mut String, definitions: &Definitions<'_>, now_ms: u64) {
    if let Some(text) = unread(definitions, now_ms) {
        alarm(out, &text);
    }
    for problem in &definitions.problems {
        let text = format!("{}: {}", clean(&problem.place), clean(&problem.problem));
        let _ = writeln!(out, "{} {text}", paint(ODD, "!"));
    }
    let shown = u64::try_from(definitions.problems.len()).unwrap_or(u64::MAX);
    if definitions.problems_total > shown {
        let more = count(definitions.problems_total - shown, "more problem");
        let _ = writeln!(out, "{} and {more}", paint(ODD, "!"));
    }
}

fn alarm(out: &mut String, text: &str) {
    let _ = writeln!(out, "{}", paint(BAD, format!("! {text}")));
}

fn pool(out: &mut String, pool: &PoolStatus<'_>, now_ms: u64) {
    let _ = write!(out, "{}  {}", paint(STRONG, clean(&pool.name)), clean(&pool.strategy));
    // The usable ones first: that is what one wants to know.
    let counts = pool.counts.iter().rev().filter(|(_, number)| **number > 0);
    let counts = counts.map(|(state, number)| {
        let (_, style) = of_state(*state);
        format!("{number} {}", paint(style, words(state.as_str())))
    });
    let counts = counts.collect::<Vec<_>>().join(", ");
    let _ = write!(out, "  {}", if counts.is_empty() { "no credentials".to_owned() } else { counts });
    let _ = write!(out, "  {}", count(pool.leases, "lease"));
    if pool.waiters > 0 {
        let _ = write!(out, "  {} waiting", pool.waiters);
        if let Some(estimate_ms) = pool.line.first().and_then(|first| first.estimate_ms) {
            let _ = write!(out, ", the first for about {} more", for_people(estimate_ms));
        }
    }
    out.push('\n');
    for text in pool_alarms(pool, now_ms) {
        let _ = writeln!(out, "{} {text}", paint(BAD, "!"));
    }
    for warning in &pool.warnings {
        let _ = writeln!(out, "{} {}", paint(ODD, "!"), clean(warning));
    }
    if !pool.credentials.is_empty() {
        let rows: Vec<_> = pool.credentials.iter().map(|credential| row(credential, now_ms)).collect();
        out.push_str(&table::render(&COLUMNS, &rows, WIDTH));
    }
    leases::render(out, pool, now_ms);
}

fn row(credential: &CredentialStatus<'_>, now_ms: u64) -> Row<7> {
    let leases = format!("{}/{}", credential.leases, credential.max_in_flight);
    let lease_style = if credential.leases == 0 { FAINT } else { PLAIN };
    Row {
        cells: [
            state(credential),
            Cell::plain(left(credential, now_ms)),
            Cell::plain(credential.cause.as_ref().map(cause_of).unwrap_or_default()),
            Cell::new(leases, lease_style),
            Cell::plain(credential.grants.to_string()),
            Cell::plain(clean(&credential.label)),
            Cell::new(clean(&credential.id), FAINT),
        ],
        notes: notes(credential, now_ms),
    }
}

pub(super) fn state(credential: &CredentialStatus<'_>) -> Cell {
    let (symbol, style) = of_state(credential.state);
    Cell::new(format!("{symbol} {}", words(credential.state.as_str())), style)
}

pub(crate) fn left(credential: &CredentialStatus<'_>, now_ms: u64) -> String {
    match credential.until_at_ms {
        Some(at_ms) => for_people(at_ms.saturating_sub(now_ms)),
        None if credential.state == CredentialState::Ready => String::new(),
        // Nobody knows, or only a person can help.
        None => "-".to_owned(),
    }
}

/// What is left of its quota, what restricts a credential beside what its row says (single models, other causes), and that
/// its token runs out.
pub(crate) fn notes(credential: &CredentialStatus<'_>, now_ms: u64) -> Vec<String> {
    let in_the_row = credential.cause.as_ref().map(|cause| &*cause.kind);
    let others = credential.restrictions.iter().filter(|each| each.model.is_some() || Some(&*each.kind) != in_the_row);
    let of_model = |model: Option<&str>, what: String| match model {
        Some(model) => format!("{}: {what}", clean(model)),
        None => what,
    };
    let restrictions = others.map(|each| of_model(each.model.as_deref(), restriction(each, now_ms)));
    // They come sorted by model: a line for each.
    let by_model = credential.windows.chunk_by(|one, other| one.model == other.model);
    let windows = by_model.map(|chunk| {
        let told: Vec<String> = chunk.iter().map(|each| window(each, now_ms)).collect();
        of_model(chunk.first().and_then(|each| each.model.as_deref()), told.join("; "))
    });
    // An API key lives until somebody revokes it, whatever is written about it.
    let expires_at_ms = credential.secret_expires_at_ms.filter(|_| credential.auth_type == "oauth");
    restrictions.chain(windows).chain(running_out(expires_at_ms, now_ms)).collect()
}

/// As in `5h 72% used, resets in 2h 10m`.
fn window(window: &QuotaWindow<'_>, now_ms: u64) -> String {
    let mut out = clean(&window.name).into_owned();
    let _ = match (window.used_permille, window.remaining, window.limit) {
        (Some(permille), ..) => write!(out, " {}% used", permille / 10),
        (None, Some(remaining), _) => write!(out, " {remaining} left"),
        (None, None, Some(limit)) => write!(out, " {limit} in all"),
        (None, None, None) => write!(out, " used up"),
    };
    if let Some(at_ms) = window.reset_at_ms {
        let when = if window.refills { "full" } else { "resets" };
        let _ = write!(out, ", {when} in {}", for_people(at_ms.saturating_sub(now_ms)));
    }
    out
}

#[cfg(test)]
mod tests;
