//! `events`: a line for each.

use std::fmt::Write as _;

use anstyle::Style;
use credpool_client::proto::event::{Ended, Event, EventLine, Leased, Restricted};
use credpool_client::proto::status::Holder;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::style::{BAD, FAINT, GOOD, ODD, PLAIN, paint};
use super::time::for_people;
use super::{clean, count, restriction, words};

/// As in `04:12:25  leased      openrouter  work a1b2c3  lease 7, to agent/1 (pid 123)`.
pub(crate) fn render(line: &EventLine<'_>) -> String {
    in_zone(line, &TimeZone::system())
}

fn in_zone(line: &EventLine<'_>, zone: &TimeZone) -> String {
    let (what, style, rest) = told(&line.event, line.at_ms);
    // The daemon's clock; one that is beyond all calendars is shown as it is.
    let at = i64::try_from(line.at_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let at = at.map_or_else(|| line.at_ms.to_string(), |at| zone.to_datetime(at).strftime("%H:%M:%S").to_string());
    format!("{}  {}  {rest}", paint(FAINT, at), paint(style, format!("{what:<11}")))
}

fn told(event: &Event<'_>, at_ms: u64) -> (&'static str, Style, String) {
    match event {
        Event::Restricted(restricted) => {
            let what = restriction(&restricted.restriction, at_ms);
            ("restricted", BAD, format!("{}: {what}", covered(restricted)))
        }
        Event::Cleared(restricted) => {
            let kind = words(&clean(&restricted.restriction.kind));
            ("cleared", GOOD, format!("{}: no {kind} any more", covered(restricted)))
        }
        Event::Leased(leased) => ("leased", PLAIN, lease(leased)),
        Event::Released(ended) => ("released", FAINT, end(ended)),
        Event::Reclaimed(ended) => ("reclaimed", ODD, end(ended)),
        Event::Waiting(waiting) => {
            let model = of_model(waiting.model.as_deref());
            let who = by(waiting.holder.as_ref());
            ("waiting", ODD, format!("{}  request {}{model}{who}", clean(&waiting.pool), waiting.waiter))
        }
        Event::GaveUp(gave_up) => {
            let why = gave_up.code.map_or_else(|| "its connection is gone".to_owned(), |code| words(code.as_str()));
            ("gave up", ODD, format!("{}  request {}: {why}", clean(&gave_up.pool), gave_up.waiter))
        }
        Event::Definitions { added, removed, changed } => {
            let credentials = count(*added, "credential");
            ("definitions", PLAIN, format!("{credentials} added, {removed} removed, {changed} changed"))
        }
        Event::Warning { place, problem } => ("warning", ODD, format!("{}: {}", clean(place), clean(problem))),
        Event::Other => ("?", PLAIN, "something that this version does not know".to_owned()),
    }
}

fn covered(restricted: &Restricted<'_>) -> String {
    let mut out = clean(&restricted.pool).into_owned();
    for id in &restricted.credentials {
        let _ = write!(out, "  {}", clean(id));
    }
    if restricted.credentials.is_empty() {
        out.push_str("  the whole pool");
    }
    out + &of_model(restricted.restriction.model.as_deref())
}

fn lease(leased: &Leased<'_>) -> String {
    let Leased { pool, credential, label, lease, model, holder, .. } = leased;
    let marks = [
        (leased.probe, "as a probe".to_owned()),
        (leased.detached, "detached".to_owned()),
        (leased.waiter.is_some(), format!("to request {}", leased.waiter.unwrap_or_default())),
    ];
    let marks: String = marks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| format!(", {mark}")).collect();
    let (model, who) = (of_model(model.as_deref()), by(holder.as_ref()));
    format!("{}  {} {}  lease {lease}{model}{marks}{who}", clean(pool), clean(label), clean(credential))
}

fn end(ended: &Ended<'_>) -> String {
    let Ended { pool, credential, label, lease, held_ms, ended_by } = ended;
    let (held, by) = (for_people(*held_ms), words(ended_by.as_str()));
    format!("{}  {} {}  lease {lease} after {held}, by {by}", clean(pool), clean(label), clean(credential))
}

fn of_model(model: Option<&str>) -> String {
    model.map(|model| format!(" for {}", clean(model))).unwrap_or_default()
}

fn by(holder: Option<&Holder<'_>>) -> String {
    let Some(Holder { client, pid, uid }) = holder else { return String::new() };
    let client = client.as_deref().map_or("somebody".into(), clean);
    let pid = pid.map_or_else(|| format!("uid {uid}"), |pid| format!("pid {pid}"));
    format!(", {client} ({pid})")
}

#[cfg(test)]
mod tests;
