//! What is known, drawn. Pure: a model in, a frame out. All text of others goes through `clean` first.

use std::borrow::Cow;

use credpool_client::proto::status::PoolStatus;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};

use super::model::{Act, Deed, Mode, Model};
use crate::render::style::{BAD, FAINT, ODD, PLAIN, STRONG};
use crate::render::time::for_people;
use crate::render::{self, clean, count, words};
use canvas::{Canvas, Cell, Row};

mod canvas;
mod popup;
mod tables;

/// What it takes to show something useful.
const LEAST: (u16, u16) = (60, 16);

/// What can be asked without thinking.
const KEYS: &str = "q quit  ? help  / filter  e explain  h history  c clear  d disable  D enable";

pub(super) fn draw(frame: &mut Frame<'_>, model: &Model, colour: bool) {
    let area = frame.area();
    let canvas = &mut Canvas { buffer: frame.buffer_mut(), colour, faded: model.away_ms.is_some() };
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let text = format!("This takes a window of {}x{} at least.", LEAST.0, LEAST.1);
        return canvas.row(area, &Row::of([Cell::rest(text, PLAIN)]));
    }
    let troubles = troubles(model);
    let heights = [1, troubles.len().try_into().unwrap_or(u16::MAX), 1, 1].map(Constraint::Length);
    let [top, trouble, tabs, summary, body, bottom] =
        Layout::vertical(heights.into_iter().chain([Constraint::Fill(1), Constraint::Length(1)])).areas(area);
    header(canvas, top, model);
    for (text, line) in troubles.iter().zip(trouble.rows()) {
        canvas.row(line, &Row::of([Cell::rest(format!("! {text}"), BAD)]));
    }
    self::tabs(canvas, tabs, model);
    if let Some(pool) = model.pool() {
        self::summary(canvas, summary, pool);
        tables::draw(canvas, body, model);
    } else {
        canvas.row(body, &Row::of([Cell::rest("There is no pool: no definition has been read.", PLAIN)]));
    }
    match &model.mode {
        Mode::Helping => popup::help(canvas, area),
        Mode::Reading(page) => popup::page(canvas, area, page),
        _ => {}
    }
    footer(canvas, bottom, model);
}

fn header(canvas: &mut Canvas<'_>, line: Rect, model: &Model) {
    let status = &model.picture.status;
    let uptime = for_people(status.now_at_ms.saturating_sub(status.started_at_ms));
    let server = format!("{}  up {uptime}, pid {}", clean(&status.server), status.pid);
    let (life, style) = match model.away_ms {
        Some(ms) => (format!("NO DAEMON for {}: this is how it was", for_people(ms)), BAD),
        None => ("live".to_owned(), FAINT),
    };
    canvas.row(line, &Row::of([Cell::rest(server, STRONG)]));
    canvas.vivid().row(line, &Row::of([Cell::rest(life, style).leaning_right()]));
}

/// What is wrong with all of it, or with the whole pool: the worst first, in two lines at most.
fn troubles(model: &Model) -> Vec<String> {
    let of_pool = model.pool().into_iter().flat_map(|pool| render::status::pool_alarms(pool, model.now_ms()));
    let mut troubles: Vec<String> = render::status::alarms(&model.picture.status).into_iter().chain(of_pool).collect();
    let more = troubles.len().saturating_sub(2);
    troubles.truncate(2);
    if let Some(last) = troubles.last_mut().filter(|_| more > 0) {
        *last = format!("{more} more, see `credpool status`; {last}");
    }
    troubles
}

fn tabs(canvas: &mut Canvas<'_>, line: Rect, model: &Model) {
    let current = model.pool().map(|pool| &pool.name);
    let tab = |pool: &PoolStatus<'_>| {
        let ready = pool.counts.iter().find(|(state, _)| state.as_str() == "ready").map_or(0, |(_, number)| *number);
        let text = format!("{} {ready}/{}", clean(&pool.name), pool.total);
        if Some(&pool.name) == current { (format!("[{text}]"), true) } else { (format!(" {text} "), false) }
    };
    let tabs: Vec<_> = model.picture.status.pools.iter().map(tab).collect();
    // Those before are left out as long as the current one would not be seen.
    let width = |tabs: &[(String, bool)]| tabs.iter().map(|(text, _)| canvas::width(text) + 1).sum::<u16>();
    let at = tabs.iter().position(|(_, is_current)| *is_current).unwrap_or(0);
    let first = (0..at).find(|first| width(&tabs[*first..=at]) <= line.width).unwrap_or(at);
    let cells = tabs[first..]
        .iter()
        .map(|(text, is_current)| Cell::fixed(text, canvas::width(text), if *is_current { STRONG } else { FAINT }));
    if tabs.len() > 1 {
        canvas.row(line, &Row::of([Cell::rest("Tab: next pool", FAINT).leaning_right()]));
    }
    canvas.row(line, &Row::of(cells));
}

fn summary(canvas: &mut Canvas<'_>, line: Rect, pool: &PoolStatus<'_>) {
    let counts = pool.counts.iter().rev().filter(|(_, number)| **number > 0);
    let counts: Vec<_> = counts.map(|(state, number)| format!("{number} {}", words(state.as_str()))).collect();
    let mut text = format!("{}  {}  {}", clean(&pool.strategy), counts.join(", "), count(pool.leases, "lease"));
    if pool.waiters > 0 {
        text.push_str(&format!("  {} waiting", pool.waiters));
    }
    canvas.row(line, &Row::of([Cell::rest(text, PLAIN)]));
}

fn footer(canvas: &mut Canvas<'_>, line: Rect, model: &Model) {
    let (text, style): (Cow<'_, str>, _) = match (&model.mode, &model.notice) {
        (Mode::Asking(Act { deed, on }), _) => {
            let deed = match deed {
                Deed::Clear => "Lift what restricts",
                Deed::Disable => "Take out of use",
                Deed::Enable => "Put back to use",
            };
            (format!("{deed} {} ({}) of {}? y/n", clean(&on.label), clean(&on.id), clean(&on.pool)).into(), ODD)
        }
        (Mode::Writing, _) => {
            (format!("filter: {}_  Enter keeps it, Esc drops it", clean(model.filter.as_str())).into(), ODD)
        }
        (Mode::Helping, _) => ("any key goes back".into(), FAINT),
        (Mode::Reading(_), _) => ("j k go down and up, any other key goes back".into(), FAINT),
        (Mode::Looking, Some(notice)) => (notice.as_str().into(), ODD),
        (Mode::Looking, None) if !model.filter.is_empty() => {
            (format!("filter: {}  / changes it, Esc drops it", clean(model.filter.as_str())).into(), ODD)
        }
        (Mode::Looking, None) => (KEYS.into(), FAINT),
    };
    canvas.vivid().row(line, &Row::of([Cell::rest(text, style)]));
}

#[cfg(test)]
mod tests;
