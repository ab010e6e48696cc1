//! `explain`.

use std::borrow::Cow;
use std::fmt::Write as _;

use credpool_core as core;
use credpool_core::{Candidate, Ineligible, Now, Phase, Restriction};
use credpool_proto::error::WireError;
use credpool_proto::reply::{self, Choice, Explanation, Reason};
use credpool_proto::request::AcquireOptions;
use credpool_proto::words::Obstacle;

use super::{Answer, Asked, Engine, Scope, convert};
use crate::definitions::AuthType;

impl Engine {
    pub(super) fn explain(
        &mut self,
        asked: &Asked<'_>,
        pool_name: &str,
        options: &AcquireOptions<'_>,
    ) -> Result<(), WireError<'static>> {
        let scope = self.scope(pool_name, options.profile.as_deref())?;
        let ask = self.ask(&scope, options)?;
        let wait_ms = self.wait_ms(options)?;
        self.tick();
        let (pool, seen) = (scope.pool, self.seen(&scope));
        let model = ask.model.as_deref();
        let explanation = self.core.explain(pool, &ask).map_err(|refusal| seen.error(&refusal, Some(pool), model))?;
        let in_time = |soonest: core::Boot| soonest.since(self.now.boot) <= wait_ms;
        let would_wait = explanation.choice.is_err() && wait_ms > 0 && explanation.soonest.is_some_and(in_time);
        let (choice, retry_after_ms) = match &explanation.choice {
            Ok(choice) => {
                let brief = seen.brief(choice.credential);
                let by = convert::chosen_by(choice.chosen_by).into();
                (Some(Choice { id: brief.id, label: brief.label, chosen_by: by, probe: choice.probe }), None)
            }
            Err(core::Refusal::Exhausted(unavailable) | core::Refusal::Busy(unavailable)) => {
                (None, unavailable.retry_after_ms)
            }
            Err(_) => (None, None),
        };
        let body = Explanation {
            pool: Cow::Borrowed(pool_name),
            model: model.map(Cow::Borrowed),
            choice,
            would_wait,
            retry_at_ms: retry_after_ms.map(|ms| self.now.wall.after(ms).0),
            total: convert::number(self.core.listed(pool, scope.profile()).count()),
            candidates: explanation
                .candidates
                .iter()
                .map(|candidate| self.candidate(&scope, &ask, candidate))
                .collect(),
        };
        self.reply(&asked.ticket(Answer::Nobody), &body);
        Ok(())
    }

    fn candidate(&self, scope: &Scope, ask: &core::Ask, candidate: &Candidate) -> reply::Candidate<'_> {
        let brief = self.seen(scope).brief(candidate.credential);
        let token = self.catalogue.row(candidate.credential, scope.profile());
        let token = token.filter(|row| row.auth_type == AuthType::OAuth);
        reply::Candidate {
            id: brief.id,
            label: brief.label,
            state: brief.state,
            eligible: candidate.ineligible.is_empty(),
            reasons: candidate.ineligible.iter().map(|ineligible| self.reason(ineligible)).collect(),
            quota: self.quota_in_words(scope, ask, candidate.credential).map(Cow::Owned),
            leases: u64::from(self.core.in_flight(candidate.credential)),
            secret_expires_at_ms: token.and_then(|row| row.secret_expires_at_ms),
        }
    }

    /// What a credential's quota does to its place among the others; `None` where nobody goes by it, or nothing is known.
    fn quota_in_words(&self, scope: &Scope, ask: &core::Ask, key: core::CredentialKey) -> Option<String> {
        let records = self.core.records();
        let (credential, pool) = (records.credentials.get(&key)?, records.pools.get(&scope.pool)?);
        let strategy = self.core.strategy_for(scope.pool, scope.profile());
        let quotas = || self.core.quotas_for(credential.account, ask.model.as_ref());
        let tightest = quotas().max_by_key(|quota| quota.used())?;
        let standing = self.core.standing(credential, ask.model.as_ref());
        let percent = |permille: u32| format!("{}.{} %", permille / 10, permille % 10).replace(".0 %", " %");
        let used = tightest.used().map(|used| format!("{} of {} is used", percent(used), tightest.key.name));
        if standing.is_reserve {
            let reserve = percent(pool.policy.reserve_permille);
            return Some(format!("{}: only the reserve of {reserve} is left, so it goes last", used?));
        }
        match strategy {
            core::Strategy::Headroom => Some(format!("{}, its tightest window", used?)),
            core::Strategy::ResetSoon if standing.used_permille >= 1_000 => Some(format!("{}, so it goes last", used?)),
            core::Strategy::ResetSoon => {
                let left = |quota: &&core::Quota| quota.lapses().and_then(|until| until.remaining(self.now));
                let first = quotas().filter(|quota| quota.lapses().is_some()).min_by_key(left)?;
                Some(format!("what is left of {} lapses in {}", first.key.name, lasting(left(&first)?)))
            }
            _ => None,
        }
    }

    fn reason(&self, ineligible: &Ineligible) -> Reason<'_> {
        match ineligible {
            Ineligible::AtCap => plain(Obstacle::AtCap, "as many leases are out as its hard cap allows"),
            Ineligible::NotPinned => plain(Obstacle::NotPinned, "the request wants another credential"),
            Ineligible::Excluded => plain(Obstacle::Excluded, "the request excludes it"),
            Ineligible::Restricted(identity) => {
                let restriction = self.core.records().restrictions.get(identity);
                Reason {
                    obstacle: Obstacle::Restricted,
                    message: restriction.map_or(String::new(), |restriction| in_words(restriction, self.now)).into(),
                    restriction: restriction.map(|restriction| convert::restriction(restriction, self.now)),
                }
            }
        }
    }
}

fn plain(obstacle: Obstacle, message: &'static str) -> Reason<'static> {
    Reason { obstacle, message: message.into(), restriction: None }
}

/// What a restriction is, since when, until when, and what says so.
fn in_words(restriction: &Restriction, now: Now) -> String {
    let cause = convert::cause_word(restriction.identity.cause).replace('_', " ");
    let whose = match restriction.identity.scope {
        core::Scope::Credential(_) => "",
        core::Scope::Account(_) => " of its account",
        core::Scope::Pool(_) => " of the whole pool",
    };
    let mut words = format!("{cause}{whose}");
    if let Some(model) = &restriction.identity.model {
        let _ = write!(words, ", for model {model} only");
    }
    let _ = write!(words, ", since {} ago", lasting(now.boot.since(restriction.began_at.boot)));
    let left = restriction.opens().remaining(now).map(lasting);
    let _ = match (restriction.phase, left) {
        (Phase::Closed, Some(left)) => write!(words, ", for another {left}"),
        (Phase::Ramping { width, .. }, Some(left)) => {
            write!(words, ", over by now; for {left} at most {width} at a time")
        }
        (_, Some(left)) => write!(words, ", perhaps over by now; a probe is out and has {left} to answer"),
        (_, None) => write!(words, ", until somebody helps"),
    };
    if let Some(status) = restriction.status {
        let _ = write!(words, "; HTTP {status}");
    }
    if !restriction.reason.is_empty() {
        let _ = write!(words, "; {}", restriction.reason);
    }
    if let Some(evidence) = &restriction.evidence {
        let _ = write!(words, "; {} said {:?}", evidence.source, evidence.raw);
    }
    words
}

/// A duration as people read it: "43 s", "4 min 3 s", "3 h 4 min", "6 d 1 h".
fn lasting(ms: u64) -> String {
    let seconds = ms.div_ceil(1_000);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_two_units() {
        let told = [
            (0, "0 s"),
            (1, "1 s"),
            (59_001, "1 min 0 s"),
            (243_000, "4 min 3 s"),
            (11_040_000, "3 h 4 min"),
            (86_399_000, "23 h 59 min"),
            (522_000_000, "6 d 1 h"),
        ];
        for (ms, words) in told {
            assert_eq!(lasting(ms), words);
        }
    }
}
