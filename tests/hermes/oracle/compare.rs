//! The two answers, row by row.

use std::fmt;

use super::driver::{TheirPool, TheirRow};
use super::ours::{Ends, OurPool, OurRow};
use crate::support::now_ms;

/// What two answers about a pool or a row differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// They have a row that we have not.
    Missing,
    /// We have a row that they have not.
    Extra,
    Order,
    Strategy,
    /// What an agent without wishes gets.
    Choice,
    Label,
    Source,
    AuthType,
    Secret,
    BaseUrl,
    Header,
    /// Whether it can be used now.
    Availability,
    /// When it can be used again.
    Until,
}

/// A difference.
pub(super) struct Difference<'a> {
    pub(super) what: What,
    /// The pool, and all there are, of any profile.
    pub(super) their_pool: &'a TheirPool,
    pub(super) their_pools: &'a [TheirPool],
    pub(super) our_pool: &'a OurPool,
    pub(super) theirs: Option<&'a TheirRow>,
    pub(super) ours: Option<&'a OurRow>,
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, their_pool, their_pools: _, our_pool, theirs, ours } = self;
        write!(f, "{what:?} in {} of profile {:?}\n  hermes-agent: ", their_pool.pool, their_pool.profile)?;
        match theirs {
            Some(row) => write!(f, "{row:?}")?,
            None => write!(f, "{their_pool:?}")?,
        }
        f.write_str("\n  credpool: ")?;
        match ours {
            Some(row) => write!(f, "{row:?}"),
            None => write!(f, "{our_pool:?}"),
        }
    }
}

/// The source of the row of a login at xAI, until 0.18.
pub(super) const LOGIN_OF_XAI: &str = "loopback_pkce";

/// A row that both have.
pub(super) type Pair<'a> = (&'a TheirRow, &'a OurRow);

/// The rows that both have, in their order.
pub(super) fn pairs<'a>(their_pool: &'a TheirPool, our_pool: &'a OurPool) -> Vec<Pair<'a>> {
    let is_written = |id: &str| their_pool.written(id).is_some();
    their_pool
        .rows
        .iter()
        .filter_map(|theirs| {
            let is_same = |ours: &&OurRow| ours.id == theirs.id;
            // Each side makes up an id for what has none yet.
            let is_new = |ours: &&OurRow| !is_written(&ours.id) && ours.source == theirs.source;
            let is_renamed = |ours: &&OurRow| {
                their_pool.pool == "xai-oauth" && is_login_of_xai(&ours.source) && is_login_of_xai(&theirs.source)
            };
            let is_found = |ours: &&OurRow| !is_written(&theirs.id) && (is_new(ours) || is_renamed(ours));
            let mut rows = our_pool.rows.iter();
            Some((theirs, rows.clone().find(is_same).or_else(|| rows.find(is_found))?))
        })
        .collect()
}

/// What both can use, in the order in which agents get it from Hermes.
pub(super) fn ranking<'a>(their_pool: &'a TheirPool, our_pool: &'a OurPool) -> Vec<&'a OurRow> {
    let pairs = pairs(their_pool, our_pool);
    let pair = |id: &String| pairs.iter().find(|(theirs, _)| theirs.id == *id);
    let ranking = their_pool.ranking.iter().filter_map(pair);
    ranking.map(|(_, ours)| *ours).filter(|ours| ours.eligible).collect()
}

/// Whether a row is that of a login at xAI. As 0.19 does not know how older versions called it, it makes it anew.
fn is_login_of_xai(source: &str) -> bool {
    source == LOGIN_OF_XAI || source == "device_code"
}

/// What sort of row it is, in words that coverage is counted by.
pub(super) fn kind(pool: &TheirPool, row: &TheirRow) -> String {
    let provider = if pool.pool.starts_with("custom:") { "custom" } else { &pool.pool };
    let source = match row.source.split_once(':') {
        Some((scheme @ ("env" | "config"), _)) => scheme,
        _ => &row.source,
    };
    format!("{provider} {source} {}", row.auth_type)
}

/// All differences between two answers about one of `their_pools`.
pub(super) fn differences<'a>(
    their_pools: &'a [TheirPool],
    their_pool: &'a TheirPool,
    our_pool: &'a OurPool,
) -> Vec<Difference<'a>> {
    let difference = |what, theirs, ours| Difference { what, their_pool, their_pools, our_pool, theirs, ours };
    let pairs = pairs(their_pool, our_pool);
    let mut found = Vec::new();
    let missing = their_pool.rows.iter().filter(|row| pairs.iter().all(|(theirs, _)| theirs.id != row.id));
    found.extend(missing.map(|row| difference(What::Missing, Some(row), None)));
    let extra = our_pool.rows.iter().filter(|row| pairs.iter().all(|(_, ours)| ours.id != row.id));
    found.extend(extra.map(|row| difference(What::Extra, None, Some(row))));
    for (theirs, ours) in &pairs {
        let differing = fields(their_pool, theirs, ours).into_iter().filter(|(_, is_same)| !is_same);
        found.extend(differing.map(|(what, _)| difference(what, Some(theirs), Some(ours))));
    }
    // What only one side has, or can use, is told above; in all else there is one order.
    let mut our_order = our_pool.rows.iter().filter(|row| pairs.iter().any(|(_, ours)| ours.id == row.id));
    if !pairs.iter().all(|(_, ours)| our_order.next().is_some_and(|row| row.id == ours.id)) {
        found.push(difference(What::Order, None, None));
    }
    if !is_same_choice(their_pool, our_pool) {
        found.push(difference(What::Choice, None, None));
    }
    if !our_pool.rows.is_empty() && our_pool.strategy != their_pool.strategy {
        found.push(difference(What::Strategy, None, None));
    }
    found
}

/// Whether an agent without wishes gets what it would get from Hermes.
pub(super) fn is_same_choice(their_pool: &TheirPool, our_pool: &OurPool) -> bool {
    let (ranking, choice) = (ranking(their_pool, our_pool), our_pool.choice.as_deref());
    match their_pool.strategy.as_str() {
        // Which of them is chance.
        "random" if choice.is_some() => ranking.iter().any(|row| choice == Some(&row.id)),
        _ => choice == ranking.first().map(|row| &*row.id),
    }
}

/// What both say of a row, field by field, and whether it is the same.
pub(super) fn fields(their_pool: &TheirPool, theirs: &TheirRow, ours: &OurRow) -> Vec<(What, bool)> {
    let available = their_pool.available.contains(&theirs.id);
    let mut found = vec![
        (What::Label, theirs.label == ours.label),
        (What::Source, theirs.source == ours.source),
        (What::AuthType, theirs.auth_type == ours.auth_type),
        (What::Availability, available == ours.eligible),
    ];
    let Some(lease) = &ours.lease else {
        // What has no secret is not away until some moment, and is sent nowhere.
        found.push((What::Secret, theirs.secret.is_empty()));
        return found;
    };
    if !available && !ours.eligible {
        found.push((What::Until, is_like(theirs.until_s, ours)));
    }
    let url = lease.base_url.as_deref().unwrap_or_default();
    found.push((What::Secret, theirs.secret == lease.secret));
    found.push((What::BaseUrl, theirs.base_url == url.trim_end_matches('/')));
    found.push((What::Header, theirs.header.as_ref() == Some(&lease.header)));
    found
}

/// Whether ours ends when theirs does, or at most a tenth later, so that not all come back at once.
fn is_like(until_s: Option<f64>, ours: &OurRow) -> bool {
    match (until_s, ours.ends) {
        (None, Some(Ends::Never)) => true,
        (Some(until_s), Some(Ends::AtMs(ours))) => {
            let late = ours as f64 - until_s * 1000.0;
            let left = until_s * 1000.0 - now_ms() as f64;
            (-1.0..=left / 10.0 + 1000.0).contains(&late)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hermes::oracle::driver::Written;
    use crate::hermes::oracle::ours::OurLease;

    const HOUR_MS: u64 = 3_600_000;

    fn theirs() -> TheirPool {
        let row = |id: &str| TheirRow {
            id: id.to_owned(),
            label: "work".to_owned(),
            source: "manual".to_owned(),
            auth_type: "api_key".to_owned(),
            is_from_outside: false,
            is_given_up: false,
            secret: format!("secret-of-{id}"),
            base_url: "https://x.test/v1".to_owned(),
            header: Some(("authorization".to_owned(), "Bearer ".to_owned())),
            until_s: None,
        };
        let written = |id: &str| Written {
            id: id.to_owned(),
            source: "manual".to_owned(),
            has_secret: true,
            is_long_dead: false,
        };
        TheirPool {
            profile: String::new(),
            pool: "openrouter".to_owned(),
            strategy: "fill_first".to_owned(),
            in_file: ["a", "b"].map(written).into(),
            available: vec!["a".to_owned(), "b".to_owned()],
            rows: vec![row("a"), row("b")],
            ranking: vec!["a".to_owned(), "b".to_owned()],
        }
    }

    fn ours() -> OurPool {
        let row = |theirs: &TheirRow| OurRow {
            id: theirs.id.clone(),
            label: theirs.label.clone(),
            source: theirs.source.clone(),
            auth_type: theirs.auth_type.clone(),
            state: "ready".to_owned(),
            eligible: true,
            ends: None,
            lease: Some(OurLease {
                secret: theirs.secret.clone(),
                base_url: Some("https://x.test/v1/".to_owned()),
                header: theirs.header.clone().expect("a header"),
                secret_expires_at_ms: None,
                expired: false,
            }),
        };
        let rows = theirs().rows.iter().map(row).collect();
        OurPool { strategy: "fill_first".to_owned(), choice: Some("a".to_owned()), rows }
    }

    /// What is found when ours is changed so.
    fn found(change: impl FnOnce(&mut OurPool)) -> Vec<What> {
        let (theirs, mut ours) = ([theirs()], ours());
        change(&mut ours);
        differences(&theirs, &theirs[0], &ours).iter().map(|difference| difference.what).collect()
    }

    /// What is found when Hermes has a row that is away for an hour, and we have it away for so long.
    fn found_away(for_ms: u64) -> Vec<What> {
        let (mut theirs, mut ours) = ([theirs()], ours());
        let now = now_ms();
        theirs[0].available.truncate(1);
        theirs[0].rows[1].until_s = Some((now + HOUR_MS) as f64 / 1000.0);
        (ours.rows[1].eligible, ours.rows[1].ends) = (false, Some(Ends::AtMs(now + for_ms)));
        differences(&theirs, &theirs[0], &ours).iter().map(|difference| difference.what).collect()
    }

    fn lease(pool: &mut OurPool) -> &mut OurLease {
        pool.rows[0].lease.as_mut().expect("a lease")
    }

    #[test]
    fn what_is_away_comes_back_when_it_should() {
        for (for_ms, expected) in
            [(HOUR_MS, true), (HOUR_MS * 11 / 10, true), (HOUR_MS - 1000, false), (2 * HOUR_MS, false)]
        {
            let until: &[What] = if expected { &[] } else { &[What::Until] };
            assert_eq!(found_away(for_ms), until, "{for_ms}");
        }
    }

    #[test]
    fn whatever_differs_is_found_and_nothing_else() {
        assert_eq!(found(|_| {}), []);
        assert_eq!(found(|pool| drop(pool.rows.pop())), [What::Missing]);
        assert_eq!(found(|pool| pool.rows[1].id = "c".to_owned()), [What::Missing, What::Extra]);
        assert_eq!(found(|pool| pool.rows.swap(0, 1)), [What::Order]);
        assert_eq!(found(|pool| pool.strategy = "random".to_owned()), [What::Strategy]);
        assert_eq!(found(|pool| pool.choice = Some("b".to_owned())), [What::Choice]);
        assert_eq!(found(|pool| pool.rows[0].label = "other".to_owned()), [What::Label]);
        assert_eq!(found(|pool| pool.rows[0].source = "other".to_owned()), [What::Source]);
        assert_eq!(found(|pool| pool.rows[0].auth_type = "oauth".to_owned()), [What::AuthType]);
        assert_eq!(found(|pool| pool.rows[1].eligible = false), [What::Availability]);
        assert_eq!(found(|pool| pool.rows[1].lease = None), [What::Secret]);
        assert_eq!(found(|pool| lease(pool).secret = "other".to_owned()), [What::Secret]);
        assert_eq!(found(|pool| lease(pool).base_url = None), [What::BaseUrl]);
        assert_eq!(found(|pool| lease(pool).header.0 = "x-api-key".to_owned()), [What::Header]);
    }
}
