//! `explain`.

use std::borrow::Cow;

use credpool_core as core;
use credpool_core::{Candidate, Ineligible};
use credpool_proto::error::WireError;
use credpool_proto::reply::{self, Choice, Explanation, Reason};
use credpool_proto::request::AcquireOptions;
use credpool_proto::words::Obstacle;

use super::{Answer, Asked, Engine, convert};

impl Engine {
    pub(super) fn explain(
        &mut self,
        asked: &Asked<'_>,
        pool_name: &str,
        options: &AcquireOptions<'_>,
    ) -> Result<(), WireError<'static>> {
        let pool = self.pool(pool_name)?;
        let (ask, warnings) = self.ask(pool, options)?;
        self.tick();
        let model = ask.model.as_deref();
        let explanation =
            self.core.explain(pool, &ask).map_err(|refusal| self.refused().error(&refusal, Some(pool), model))?;
        let (choice, retry_after_ms) = match &explanation.choice {
            Ok((key, by)) => {
                let brief = convert::brief(&self.core, &self.catalogue, *key, self.now);
                let by = convert::chosen_by(*by).into();
                (Some(Choice { id: brief.id, label: brief.label, chosen_by: by, probe: false }), None)
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
            retry_at_ms: retry_after_ms.map(|ms| self.now.wall.after(ms).0),
            total: convert::number(self.core.defined(pool).count()),
            candidates: explanation.candidates.iter().map(|candidate| self.candidate(candidate)).collect(),
        };
        let mut ticket = asked.ticket(Answer::Nobody);
        ticket.warnings = warnings;
        self.reply(&ticket, &body);
        Ok(())
    }

    fn candidate(&self, candidate: &Candidate) -> reply::Candidate<'_> {
        let brief = convert::brief(&self.core, &self.catalogue, candidate.credential, self.now);
        reply::Candidate {
            id: brief.id,
            label: brief.label,
            state: brief.state,
            eligible: candidate.ineligible.is_empty(),
            reasons: candidate.ineligible.iter().map(|ineligible| self.reason(ineligible)).collect(),
            leases: u64::from(self.core.in_flight(candidate.credential)),
        }
    }

    fn reason(&self, ineligible: &Ineligible) -> Reason<'_> {
        match ineligible {
            Ineligible::AtCap => Reason { obstacle: Obstacle::AtCap, restriction: None },
            Ineligible::NotPinned => Reason { obstacle: Obstacle::NotPinned, restriction: None },
            Ineligible::Excluded => Reason { obstacle: Obstacle::Excluded, restriction: None },
            Ineligible::Restricted(identity) => Reason {
                obstacle: Obstacle::Restricted,
                restriction: self
                    .core
                    .records()
                    .restrictions
                    .get(identity)
                    .map(|restriction| convert::restriction(restriction, self.now)),
            },
        }
    }
}
