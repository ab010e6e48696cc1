//! What is known, what is looked at, and which keys do what. Pure: news and keys in, wishes out.

use std::collections::BTreeMap;

use credpool_client::proto::history::Entry;
use credpool_client::proto::status::{CredentialStatus, LeaseOut, PoolStatus, Waiter};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::source::Picture;

mod matching;

use matching::Filter;

/// Instants of one restriction that are told in different answers differ by rounding.
const SAME_MS: u64 = 2_000;

/// Rows that a page key goes on by.
const PAGE: isize = 10;

/// A credential, as a request names it and a person knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) pool: String,
    pub(super) id: String,
    pub(super) label: String,
}

/// What an operator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    Clear,
    Disable,
    Enable,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Act {
    pub(super) deed: Deed,
    pub(super) on: Named,
}

/// What a key asks of others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    Quit,
    Look(String),
    Explain(Named),
    History(Named),
    Do(Act),
}

/// What others have to say.
pub(super) enum News {
    Seen(Box<Picture>),
    /// The daemon does not answer.
    Away,
    /// A text that is read by itself.
    Told {
        title: String,
        text: String,
    },
    /// One sentence.
    Said(String),
}

/// What keys mean at present.
#[derive(Default)]
pub(super) enum Mode {
    #[default]
    Looking,
    /// The filter is being written.
    Writing,
    Helping,
    Reading(Page),
    /// Whether that is really meant.
    Asking(Act),
}

/// A text, and its first line that is shown.
pub(super) struct Page {
    pub(super) title: String,
    pub(super) lines: Vec<String>,
    pub(super) top: usize,
}

pub(super) struct Model {
    pub(super) picture: Picture,
    /// For how many milliseconds the daemon has been away.
    pub(super) away_ms: Option<u64>,
    pub(super) filter: Filter,
    pub(super) mode: Mode,
    pub(super) notice: Option<String>,
    /// When the daemon was last heard of, by the clock here.
    heard_at_ms: u64,
    selected: Option<String>,
    /// When what keeps a credential away began and ends, by its id.
    spans: BTreeMap<String, (u64, u64)>,
}

impl Model {
    /// `now_ms` is the clock here, in milliseconds of Unix time.
    pub(super) fn new(picture: Picture, now_ms: u64) -> Self {
        let mut model = Self {
            picture,
            away_ms: None,
            filter: Filter::default(),
            mode: Mode::default(),
            notice: None,
            heard_at_ms: now_ms,
            selected: None,
            spans: BTreeMap::new(),
        };
        model.measure();
        model
    }

    /// Takes note of what others say.
    pub(super) fn hear(&mut self, news: News, now_ms: u64) {
        match news {
            News::Seen(picture) => {
                self.picture = *picture;
                self.away_ms = None;
                self.heard_at_ms = now_ms;
                self.measure();
            }
            News::Away => self.away_ms = Some(now_ms.saturating_sub(self.heard_at_ms)),
            News::Told { title, text } => {
                self.mode = Mode::Reading(Page { title, lines: text.lines().map(str::to_owned).collect(), top: 0 });
            }
            News::Said(sentence) => self.notice = Some(sentence),
        }
    }

    /// Notes how long what keeps credentials away is in all: from when it was reported, or else first seen.
    fn measure(&mut self) {
        let before = std::mem::take(&mut self.spans);
        let same = |one: u64, other: u64| one.abs_diff(other) <= SAME_MS;
        for credential in self.picture.pool.iter().flat_map(|pool| &pool.credentials) {
            let Some(until) = credential.until_at_ms else { continue };
            let reported = self.picture.history.iter().find(|entry| {
                let of_it = entry.credential.as_ref().is_some_and(|name| name.id == credential.id);
                of_it && entry.until_at_ms.is_some_and(|at| same(at, until))
            });
            let seen = before.get(&*credential.id).filter(|(_, end)| same(*end, until)).map(|(since, _)| *since);
            let since = reported.map(|entry| entry.at_ms).or(seen).unwrap_or(self.picture.status.now_at_ms);
            self.spans.insert(credential.id.to_string(), (since, until));
        }
    }

    // ---- what is shown -----------------------------------------------------------------------------------------

    /// The daemon's clock, which what is left of deadlines is reckoned from.
    pub(super) fn now_ms(&self) -> u64 {
        self.picture.status.now_at_ms
    }

    pub(super) fn pool(&self) -> Option<&PoolStatus<'static>> {
        self.picture.pool.as_ref()
    }

    pub(super) fn credentials(&self) -> Vec<&CredentialStatus<'static>> {
        let all = self.pool().into_iter().flat_map(|pool| &pool.credentials);
        all.filter(|credential| self.filter.has_credential(credential)).collect()
    }

    /// The leases, each with its credential's label.
    pub(super) fn leases(&self) -> Vec<(&LeaseOut<'static>, &str)> {
        let Some(pool) = self.pool() else { return Vec::new() };
        let labels: BTreeMap<&str, &str> =
            pool.credentials.iter().map(|credential| (&*credential.id, &*credential.label)).collect();
        let leases = pool.leases_out.iter().flat_map(|out| &out.page);
        let labelled = leases.map(|lease| (lease, labels.get(&*lease.credential).copied().unwrap_or("")));
        labelled.filter(|(lease, label)| self.filter.has_lease(lease, label)).collect()
    }

    pub(super) fn waiters(&self) -> Vec<&Waiter<'static>> {
        let line = self.pool().into_iter().flat_map(|pool| &pool.line);
        line.filter(|waiter| self.filter.has_waiter(waiter)).collect()
    }

    pub(super) fn history(&self) -> Vec<&Entry<'static>> {
        self.picture.history.iter().filter(|entry| self.filter.has_entry(entry)).collect()
    }

    /// The place among the credentials that are shown of the one that keys are about.
    pub(super) fn cursor(&self) -> usize {
        let is_it = |credential: &&CredentialStatus<'_>| Some(&*credential.id) == self.selected.as_deref();
        self.credentials().iter().position(is_it).unwrap_or(0)
    }

    /// Of what keeps a credential away, how much is left, in thousandths; `None` if there is no telling.
    pub(super) fn left_permille(&self, id: &str) -> Option<u64> {
        let (since, until) = *self.spans.get(id)?;
        let whole = until.saturating_sub(since).max(1);
        Some(until.saturating_sub(self.now_ms()).saturating_mul(1_000) / whole).map(|permille| permille.min(1_000))
    }

    // ---- keys --------------------------------------------------------------------------------------------------

    /// What a key does here, and what it asks of others.
    pub(super) fn press(&mut self, key: KeyEvent) -> Option<Wish> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        if key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL) {
            return Some(Wish::Quit);
        }
        self.notice = None;
        match std::mem::take(&mut self.mode) {
            Mode::Looking => self.press_looking(key.code),
            Mode::Writing => {
                self.press_writing(key);
                None
            }
            Mode::Helping => None,
            Mode::Reading(page) => {
                self.press_reading(page, key.code);
                None
            }
            // Anything but a clear yes is a no.
            Mode::Asking(act) => matches!(key.code, KeyCode::Char('y' | 'Y')).then_some(Wish::Do(act)),
        }
    }

    fn press_looking(&mut self, key: KeyCode) -> Option<Wish> {
        match key {
            KeyCode::Char('q') => return Some(Wish::Quit),
            KeyCode::Esc if self.filter.is_empty() => return Some(Wish::Quit),
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Char('?') => self.mode = Mode::Helping,
            KeyCode::Char('/') => self.mode = Mode::Writing,
            KeyCode::Down | KeyCode::Char('j') => self.go(1),
            KeyCode::Up | KeyCode::Char('k') => self.go(-1),
            KeyCode::PageDown => self.go(PAGE),
            KeyCode::PageUp => self.go(-PAGE),
            KeyCode::Home | KeyCode::Char('g') => self.go(isize::MIN),
            KeyCode::End | KeyCode::Char('G') => self.go(isize::MAX),
            KeyCode::Tab | KeyCode::Right => return self.next_pool(1),
            KeyCode::BackTab | KeyCode::Left => return self.next_pool(-1),
            KeyCode::Enter | KeyCode::Char('e') => return self.named().map(Wish::Explain),
            KeyCode::Char('h') => return self.named().map(Wish::History),
            KeyCode::Char('c') => self.ask(Deed::Clear),
            KeyCode::Char('d') => self.ask(Deed::Disable),
            KeyCode::Char('D') => self.ask(Deed::Enable),
            _ => {}
        }
        None
    }

    fn press_writing(&mut self, key: KeyEvent) {
        match key.code {
            KeyCode::Enter => return,
            KeyCode::Esc => return self.filter.clear(),
            KeyCode::Backspace => self.filter.pop(),
            KeyCode::Char('u') if key.modifiers.contains(KeyModifiers::CONTROL) => self.filter.clear(),
            KeyCode::Char(c) => self.filter.push(c),
            _ => {}
        }
        self.mode = Mode::Writing;
    }

    fn press_reading(&mut self, page: Page, key: KeyCode) {
        let by = match key {
            KeyCode::Down | KeyCode::Char('j') => 1,
            KeyCode::Up | KeyCode::Char('k') => -1,
            KeyCode::PageDown | KeyCode::Char(' ') => PAGE,
            KeyCode::PageUp => -PAGE,
            _ => return,
        };
        let last = page.lines.len().saturating_sub(1);
        let top = page.top.saturating_add_signed(by).min(last);
        self.mode = Mode::Reading(Page { top, ..page });
    }

    fn go(&mut self, by: isize) {
        let shown = self.credentials();
        let to = self.cursor().saturating_add_signed(by).min(shown.len().saturating_sub(1));
        self.selected = shown.get(to).map(|credential| credential.id.to_string());
    }

    fn next_pool(&mut self, by: isize) -> Option<Wish> {
        let pools = &self.picture.status.pools;
        let at = pools.iter().position(|pool| Some(&pool.name) == self.pool().map(|pool| &pool.name))?;
        let count = isize::try_from(pools.len()).ok()?;
        let to = usize::try_from((isize::try_from(at).ok()? + by).rem_euclid(count)).ok()?;
        (to != at).then(|| Wish::Look(pools[to].name.to_string()))
    }

    fn named(&self) -> Option<Named> {
        let shown = self.credentials();
        let credential = shown.get(self.cursor())?;
        Some(Named {
            pool: self.pool()?.name.to_string(),
            id: credential.id.to_string(),
            label: credential.label.to_string(),
        })
    }

    fn ask(&mut self, deed: Deed) {
        if let Some(on) = self.named() {
            self.mode = Mode::Asking(Act { deed, on });
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
