//! Where credpool means to differ from hermes-agent, and why. A difference that is not here is a bug of one of them, and
//! one that is here and never seen is an excuse gone stale: both fail the test.

use super::compare::{Difference, LOGIN_OF_XAI, What, ranking};
use super::driver::{TheirPool, TheirRow};
use super::ours::{Ends, OurLease, OurRow};
use crate::support::now_ms;

/// How long a case may take between its questions.
const MINUTE_MS: u64 = 60_000;

/// A difference that is meant.
pub(super) struct Intended {
    pub(super) name: &'static str,
    /// The versions of hermes-agent that differ, where others agree with us.
    only: Option<&'static [&'static str]>,
    is_it: fn(&Difference<'_>) -> bool,
}

impl Intended {
    /// Whether `version` of hermes-agent differs in this.
    pub(super) fn is_of(&self, version: &str) -> bool {
        self.only.is_none_or(|only| only.iter().any(|one| version.starts_with(one)))
    }

    /// Whether it explains a difference from `version`.
    pub(super) fn covers(&self, version: &str, difference: &Difference<'_>) -> bool {
        self.is_of(version) && (self.is_it)(difference)
    }
}

/// All of them.
pub(super) const INTENDED: &[Intended] = &[
    // Hermes makes a row of whatever it finds when it loads a pool. Who set up the daemon need not have meant to share
    // what stands in its environment, or the logins of other programs: those fill rows that Hermes made, and make none.
    Intended {
        name: "found_secrets_make_no_row",
        only: None,
        is_it: |it| {
            let is_new = |row: &TheirRow| it.their_pool.written(&row.id).is_none();
            it.what == What::Missing && it.theirs.is_some_and(|row| row.is_from_outside && is_new(row))
        },
    },
    // Hermes deletes a row when its secret is gone. A daemon that deleted it too would lose what is known of it; so it
    // stays, says why it has none, and is not leased.
    Intended {
        name: "a_row_without_a_secret_is_shown",
        only: None,
        is_it: |it| {
            let is_without = |row: &OurRow| row.state == "no_secret" && row.lease.is_none();
            let stands_without = |row: &OurRow| {
                // Hermes' copy of a login counts only beside the login.
                let is_without = |has_secret: bool| !has_secret || is_found_login(row);
                let written = it.their_pool.written(&row.id);
                written.is_some_and(|written| written.source == row.source && is_without(written.has_secret))
            };
            // Hermes has one row for a source: had it found a secret there, that row would have it.
            let is_found = |row: &OurRow| it.their_pool.rows.iter().any(|theirs| theirs.source == row.source);
            let is_it = |row: &OurRow| is_without(row) && stands_without(row) && !is_found(row);
            it.what == What::Extra && it.ours.is_some_and(is_it)
        },
    },
    // Hermes deletes a row that the user made a day after its key was revoked. A daemon that only reads the file says that
    // a new login is needed for as long as the row is there.
    Intended {
        name: "what_died_long_ago_is_shown",
        only: None,
        is_it: |it| {
            let is_dead = |row: &OurRow| row.state == "needs_login" && !row.eligible;
            let is_written_off = |row: &OurRow| {
                it.their_pool
                    .written(&row.id)
                    .is_some_and(|written| written.source == row.source && written.is_long_dead)
            };
            let is_users = |row: &OurRow| row.source.starts_with("manual");
            it.what == What::Extra && it.ours.is_some_and(|row| is_dead(row) && is_users(row) && is_written_off(row))
        },
    },
    // Until 0.19 Hermes believed the row; and it sends the token in the same header anyway.
    Intended {
        name: "an_anthropic_token_says_itself_what_it_is",
        only: Some(&["0.17", "0.18"]),
        is_it: |it| {
            it.what == What::AuthType && our_lease(it).is_some_and(|lease| lease.secret.starts_with("sk-ant-oat"))
        },
    },
    // An OAuth token is a bearer token (RFC 6750), at whatever host. Hermes takes it for an API key unless the host is
    // Anthropic's.
    Intended {
        name: "an_oauth_token_is_a_bearer_everywhere",
        only: None,
        is_it: |it| {
            let is_bearer = |lease: &OurLease| lease.header == ("authorization".to_owned(), "Bearer ".to_owned());
            let is_oauth = it.ours.is_some_and(|row| row.auth_type == "oauth");
            it.what == What::Header && is_oauth && our_lease(it).is_some_and(is_bearer)
        },
    },
    // Azure takes keys in `api-key`, in every dialect (learn.microsoft.com/azure/ai-services/openai/reference). Hermes sends
    // them as OpenAI's client does, which some of its endpoints take too.
    Intended {
        name: "azure_has_a_header_of_its_own",
        only: None,
        is_it: |it| it.what == What::Header && our_lease(it).is_some_and(|lease| lease.header.0 == "api-key"),
    },
    // Nous' tokens have nothing to send to Hermes from two minutes before they end until they are refreshed. Here a secret
    // is leased as long as it lasts, and one that has ended when nothing better is there; the lease says when it ends.
    Intended {
        name: "a_secret_near_its_end_is_leased_and_says_so",
        only: None,
        is_it: |it| {
            let is_near = |lease: &OurLease| lease.secret_expires_at_ms.is_some_and(|end| end < now_ms() + 120_000);
            matches!(it.what, What::Secret | What::Header) && theirs_is_empty(it) && our_lease(it).is_some_and(is_near)
        },
    },
    // Hermes takes a login in its turn, and refreshes its token if it has to. We do not refresh: whose token has run out
    // comes after all others.
    Intended {
        name: "what_has_run_out_is_leased_last",
        only: None,
        is_it: |it| {
            let ranking = ranking(it.their_pool, it.our_pool);
            let lasting = ranking.iter().find(|row| !row.is_expired()).map(|row| &row.id);
            let is_turn_of_other = ranking.first().is_some_and(|row| row.is_expired());
            it.what == What::Choice && is_turn_of_other && lasting.is_some() && lasting == it.our_pool.choice.as_ref()
        },
    },
    // Where we have, or can use, what Hermes cannot, which is told by another name, it may be its turn.
    Intended {
        name: "what_only_we_use_has_its_turn",
        only: None,
        is_it: |it| {
            let ranking = ranking(it.their_pool, it.our_pool);
            let place = |id: &str| it.our_pool.rows.iter().position(|row| row.eligible && row.id == id);
            let Some(ours) = it.our_pool.choice.as_deref().and_then(place) else { return false };
            let is_in_order = matches!(&*it.their_pool.strategy, "fill_first" | "round_robin");
            let lasting = ranking.iter().find(|row| !row.is_expired()).and_then(|row| place(&row.id));
            let is_turn = !is_in_order || lasting.is_none_or(|theirs| ours < theirs);
            it.what == What::Choice && is_turn && ranking.iter().all(|row| place(&row.id) != Some(ours))
        },
    },
    // A source that the user told Hermes not to use has no row here. Hermes keeps those of variables, without a secret.
    Intended {
        name: "what_the_user_gave_up_is_gone",
        only: Some(&["0.18", "0.19"]),
        is_it: |it| {
            let is_it = |row: &TheirRow| row.source.starts_with("env:") && row.is_given_up;
            it.what == What::Missing && theirs_is_empty(it) && it.theirs.is_some_and(is_it)
        },
    },
    // Until 0.19, a key of Anthropic's did not count as somebody's choice of Anthropic, without which Hermes uses no login
    // of it that it finds.
    Intended {
        name: "a_key_chooses_anthropic",
        only: Some(&["0.17", "0.18"]),
        is_it: |it| it.what == What::Extra && it.their_pool.pool == "anthropic" && it.ours.is_some_and(is_found_login),
    },
    // Code Assist has no URL that requests could be sent to: Hermes has a client of its own for it, until 0.17.
    Intended {
        name: "a_url_that_only_hermes_knows_is_none",
        only: Some(&["0.17"]),
        is_it: |it| it.what == What::BaseUrl && it.theirs.is_some_and(|row| row.base_url.starts_with("cloudcode-pa:")),
    },
    // Z.AI does not say where a key is good; Hermes tries its endpoints one by one. A daemon that reads definitions sends
    // keys nowhere: until Hermes has tried a key and noted it, the provider's usual endpoint stands.
    Intended {
        name: "keys_are_not_tried",
        only: None,
        is_it: |it| {
            let usual = |lease: &OurLease| lease.base_url.as_deref() == Some("https://api.z.ai/api/paas/v4");
            it.what == What::BaseUrl && it.their_pool.pool == "zai" && our_lease(it).is_some_and(usual)
        },
    },
    // What 0.19 calls `device_code` of xAI was `loopback_pkce` before. A row that an older version wrote stays the row of
    // that login, with all that is known of it, until Hermes has replaced it; one that nobody wrote has the new name.
    Intended {
        name: "xais_login_has_one_row",
        only: None,
        is_it: |it| {
            let (Some(theirs), Some(ours)) = (it.theirs, it.ours) else { return false };
            let is_same = (theirs.source == LOGIN_OF_XAI) != (ours.source == LOGIN_OF_XAI);
            is_same && matches!(it.what, What::Source | What::Label | What::Availability)
        },
    },
    // What the user gave up under the old name comes back with a new login under the new one, as it does in 0.19.
    Intended {
        name: "xais_login_is_given_up_by_its_new_name",
        only: Some(&["0.17", "0.18"]),
        is_it: |it| {
            let is_new = it.ours.is_some_and(|row| row.source == "device_code");
            it.what == What::Extra && it.their_pool.pool == "xai-oauth" && is_new
        },
    },
    // Hermes sends `op://…` to the provider when nothing has resolved it. It is no secret, and no provider should see it; nor
    // does it choose Anthropic, as it does with Hermes until 0.19.
    Intended {
        name: "a_reference_is_no_secret",
        only: None,
        is_it: |it| {
            let is_reference = |secret: &str| secret.contains("op://") || secret.contains("${");
            let is_none = our_lease(it).is_none_or(|lease| !is_reference(&lease.secret));
            // A key of Anthropic's also keeps Hermes from logins that it finds, even if it is no key.
            let explains = |row: &TheirRow| is_reference(&row.secret);
            let keeps_out = it.their_pool.pool == "anthropic" && it.their_pool.rows.iter().any(explains);
            let is_extra = it.what == What::Extra && keeps_out && it.ours.is_some_and(is_found_login);
            let is_chosen = keeps_out && it.ours.is_some_and(is_found_login);
            let is_unused = is_chosen && matches!(it.what, What::Availability | What::Secret);
            is_none && (is_extra || is_unused || it.theirs.is_some_and(explains))
        },
    },
    // Hermes selects a login whose token is gone or unusable, and sends an empty key; until 0.19, an API key too.
    Intended {
        name: "an_empty_secret_is_not_leased",
        only: Some(&["0.18", "0.19"]),
        is_it: |it| it.what == What::Availability && theirs_is_empty(it) && it.ours.is_some_and(|row| !row.eligible),
    },
    // Hermes believes every reset time, be it in the next century. No vendor has a window of more than a month.
    Intended {
        name: "nothing_is_benched_for_longer_than_35_days",
        only: None,
        is_it: |it| {
            let longest_ms = 35 * 24 * 60 * 60 * 1000;
            let is_longer =
                |row: &TheirRow| row.until_s.is_some_and(|until| until * 1000.0 > (now_ms() + longest_ms) as f64);
            let is_as_long = |row: &OurRow| match row.ends {
                Some(Ends::AtMs(end)) => (longest_ms - MINUTE_MS..longest_ms + MINUTE_MS).contains(&(end - now_ms())),
                _ => false,
            };
            it.what == What::Until && it.theirs.is_some_and(is_longer) && it.ours.is_some_and(is_as_long)
        },
    },
    // What a provider limits is the key, whatever rows it stands in, and whichever home noted it.
    Intended {
        name: "rows_of_one_secret_share_its_limits",
        only: None,
        is_it: |it| {
            let is_other =
                |row: &TheirRow, theirs: &TheirRow| row.secret == theirs.secret && !std::ptr::eq(row, theirs);
            matches!(it.what, What::Availability | What::Until)
                && it.ours.is_some_and(|row| !row.eligible)
                && it.theirs.is_some_and(|theirs| away(it.their_pools).any(|row| is_other(row, theirs)))
        },
    },
];

/// Whether it is a login at Anthropic that Hermes finds, if somebody has chosen Anthropic.
fn is_found_login(row: &OurRow) -> bool {
    matches!(&*row.source, "hermes_pkce" | "claude_code")
}

/// The rows, of any pool, that cannot be used now.
fn away(pools: &[TheirPool]) -> impl Iterator<Item = &TheirRow> {
    pools.iter().flat_map(|pool| pool.rows.iter().filter(|row| !pool.available.contains(&row.id)))
}

fn theirs_is_empty(it: &Difference<'_>) -> bool {
    it.theirs.is_some_and(|row| row.secret.is_empty())
}

fn our_lease<'a>(it: &Difference<'a>) -> Option<&'a OurLease> {
    it.ours?.lease.as_ref()
}
