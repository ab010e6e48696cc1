//! From fields to operations: which fields an operation needs, and what their absence means.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::fields::{self, Fields, KeySet, OPTIONS, USAGE};
use super::values::{Code, Cursor, Hint, HttpStatus, Ids, Int, Name, Note, Positive, Text, Versions};
use super::{AcquireOptions, Facts, Next, Op, Raw, Release, ReportError, Request, Status, Subject, Usage, op_name};
use crate::PROTOCOL_VERSION;
use crate::error::WireError;
use crate::limits::{MAX_EXCLUDE, MAX_HISTORY_PAGE, MAX_PROTOCOLS, MAX_REPORTS_PER_LEASE, MAX_STATUS_PAGE};
use crate::words::{Class, OpName, Outcome, RefreshOutcome};

type Result<T> = std::result::Result<T, WireError<'static>>;

/// The request that an object stands for.
pub(super) fn request(mut fields: Fields<'_>) -> Result<Request<'_>> {
    let Some(Text(op)) = &fields.op else {
        return Err(WireError::bad_request("a request needs `op`"));
    };
    let name = op_name(op)?;
    let mut unknown = Vec::new();
    fields.ignored(fields::keys_of(name), "", &mut unknown);
    let id = fields.id.take();
    let op = operation(name, fields, &mut unknown)?;
    Ok(Request { id, op, unknown })
}

fn operation<'a>(name: OpName, mut fields: Fields<'a>, unknown: &mut Vec<Cow<'a, str>>) -> Result<Op<'a>> {
    let need = Needs(name);
    Ok(match name {
        OpName::Hello => hello(fields)?,
        OpName::Ping => Op::Ping,
        OpName::Acquire => Op::Acquire { pool: need.name("pool", fields.pool.take())?, options: options(fields)? },
        OpName::Explain => Op::Explain { pool: need.name("pool", fields.pool.take())?, options: options(fields)? },
        OpName::ReportError => Op::ReportError(Box::new(report_error(fields, unknown)?)),
        OpName::Release => Op::Release(release(&need, fields, unknown)?),
        OpName::Renew => Op::Renew {
            lease: need.name("lease", fields.lease)?,
            ttl_ms: fields.ttl_ms.map(|Positive(ms)| ms),
            detach: fields.detach.unwrap_or(false),
        },
        OpName::Claim => Op::Claim { lease: need.name("lease", fields.lease)? },
        OpName::Status => Op::Status(status(fields)?),
        OpName::History => Op::History {
            pool: need.name("pool", fields.pool)?,
            profile: name_of(fields.profile),
            credential: name_of(fields.credential),
            model: name_of(fields.model),
            limit: page(fields.limit, "history_page", MAX_HISTORY_PAGE)?,
        },
        OpName::Clear => Op::Clear {
            pool: need.name("pool", fields.pool)?,
            profile: name_of(fields.profile),
            credential: name_of(fields.credential),
            model: name_of(fields.model),
        },
        OpName::Disable => Op::Disable {
            pool: need.name("pool", fields.pool)?,
            profile: name_of(fields.profile),
            credential: need.name("credential", fields.credential)?,
            for_ms: fields.for_ms.map(|Positive(ms)| ms),
            note: fields.note.map(|Note(note)| note),
        },
        OpName::Enable => Op::Enable {
            pool: need.name("pool", fields.pool)?,
            profile: name_of(fields.profile),
            credential: need.name("credential", fields.credential)?,
        },
        OpName::Reload => Op::Reload,
        OpName::Subscribe => Op::Subscribe { pool: name_of(fields.pool), profile: name_of(fields.profile) },
        OpName::Refresh => Op::Refresh {
            pool: need.name("pool", fields.pool)?,
            profile: name_of(fields.profile),
            credential: need.name("credential", fields.credential)?,
            stale: need.name("stale", fields.stale)?,
        },
        OpName::RefreshDone => Op::RefreshDone {
            ticket: need.name("ticket", fields.ticket)?,
            outcome: refresh_outcome(fields.outcome)?,
            message: fields.message.map(|Text(text)| text),
        },
    })
}

fn hello(fields: Fields<'_>) -> Result<Op<'_>> {
    let protocols = fields.protocol.map_or_else(|| vec![PROTOCOL_VERSION], |Versions(versions)| versions);
    at_most("protocols", MAX_PROTOCOLS, protocols.len(), "`protocol` offers too many versions")?;
    Ok(Op::Hello { client: name_of(fields.client), protocols })
}

fn options(fields: Fields<'_>) -> Result<AcquireOptions<'_>> {
    let exclude = fields.exclude.map(|Ids(ids)| ids).unwrap_or_default();
    at_most("exclude", MAX_EXCLUDE, exclude.len(), "`exclude` holds too many credentials")?;
    Ok(AcquireOptions {
        profile: name_of(fields.profile),
        model: name_of(fields.model),
        session: name_of(fields.session),
        credential: name_of(fields.credential),
        exclude,
        class: fields.class.unwrap_or(Class::Interactive),
        wait_ms: fields.wait_ms.map_or(0, |Int(ms)| ms),
        ttl_ms: fields.ttl_ms.map(|Positive(ms)| ms),
        detach: fields.detach.unwrap_or(false),
        secret: fields.secret.unwrap_or(true),
    })
}

fn status(fields: Fields<'_>) -> Result<Status<'_>> {
    let pool = name_of(fields.pool);
    let leases = match (fields.leases.unwrap_or(false), fields.leases_after) {
        (true, _) if pool.is_none() => {
            return Err(WireError::bad_request("`leases` needs `pool`: it is told of one pool"));
        }
        (true, after) => Some(after.map_or(0, |Int(number)| number)),
        (false, Some(_)) => return Err(WireError::bad_request("`leases_after` needs `leases`")),
        (false, None) => None,
    };
    Ok(Status {
        pool,
        profile: name_of(fields.profile),
        after: fields.after.map(|Cursor(after)| after),
        limit: page(fields.limit, "status_page", MAX_STATUS_PAGE)?,
        leases,
    })
}

fn report_error<'a>(mut fields: Fields<'a>, unknown: &mut Vec<Cow<'a, str>>) -> Result<ReportError<'a>> {
    let subject = subject(&mut fields)?;
    let report = fields.report.take().map_or(1, |Positive(number)| number);
    if report > MAX_REPORTS_PER_LEASE {
        return Err(WireError::limit(
            "reports_per_lease",
            MAX_REPORTS_PER_LEASE,
            "`report` counts more failures than one lease may have",
        ));
    }
    let next = next(fields.next.take(), &subject, unknown)?;
    Ok(ReportError { subject, report, keep: fields.keep.unwrap_or(false), next, facts: facts(fields) })
}

fn subject<'a>(fields: &mut Fields<'a>) -> Result<Subject<'a>> {
    let lease = name_of(fields.lease.take());
    let pool = name_of(fields.pool.take());
    let profile = name_of(fields.profile.take());
    let credential = name_of(fields.credential.take());
    let epoch = name_of(fields.epoch.take());
    match (lease, pool, credential, epoch) {
        (Some(_), None, None, None) if profile.is_some() => {
            Err(WireError::bad_request("`report_error` takes no `profile` with a `lease`, which is of one already"))
        }
        (Some(lease), None, None, None) => Ok(Subject::Lease(lease)),
        (None, Some(pool), Some(credential), Some(epoch)) => {
            Ok(Subject::Credential { pool, profile, credential, epoch })
        }
        _ => Err(WireError::bad_request("`report_error` needs either `lease`, or `pool`, `credential` and `epoch`")),
    }
}

fn next<'a>(raw: Option<Raw<'a>>, subject: &Subject<'_>, unknown: &mut Vec<Cow<'a, str>>) -> Result<Next<'a>> {
    match raw.map(RawValue::get) {
        None | Some("false") => Ok(Next::No),
        Some("true") if matches!(subject, Subject::Lease(_)) => Ok(Next::Same),
        Some("true") => Err(WireError::bad_request(
            "`next` can be true only in a report about a lease, whose conditions it repeats",
        )),
        Some(json) if json.starts_with('{') => Ok(Next::With(options(inner("next.", json, OPTIONS, unknown)?)?)),
        Some(_) => Err(WireError::bad_request("`next` must be true, false or an object")),
    }
}

fn facts(fields: Fields<'_>) -> Facts<'_> {
    let hint = |hint: Option<_>| hint.map(|Hint(text)| text);
    Facts {
        status: fields.status.map(|HttpStatus(status)| status),
        headers: fields.headers.unwrap_or_default(),
        body: fields.body,
        message: fields.message.map(|Text(text)| text),
        code: fields.code.map(|Code(code)| code),
        kind: fields.kind,
        reset_at: hint(fields.reset_at),
        resets_at: hint(fields.resets_at),
        retry_until: hint(fields.retry_until),
        retry_after: hint(fields.retry_after),
        model: name_of(fields.model),
    }
}

fn release<'a>(need: &Needs, fields: Fields<'a>, unknown: &mut Vec<Cow<'a, str>>) -> Result<Release<'a>> {
    Ok(Release {
        lease: need.name("lease", fields.lease)?,
        outcome: outcome(fields.outcome)?,
        status: fields.status.map(|HttpStatus(status)| status),
        headers: fields.headers.unwrap_or_default(),
        usage: match fields.usage {
            None => Usage::default(),
            Some(raw) => {
                let usage = inner("usage.", raw.get(), USAGE, unknown)?;
                Usage {
                    input_tokens: usage.input_tokens.map(|Int(tokens)| tokens),
                    output_tokens: usage.output_tokens.map(|Int(tokens)| tokens),
                }
            }
        },
    })
}

fn outcome(word: Option<Text<'_>>) -> Result<Outcome> {
    let Some(Text(word)) = word else { return Ok(Outcome::Unknown) };
    let wrong = || WireError::bad_request("`outcome` must be `ok`, `cancelled` or `unknown`");
    Outcome::parse(&word).ok_or_else(wrong)
}

fn refresh_outcome(word: Option<Text<'_>>) -> Result<RefreshOutcome> {
    let Some(Text(word)) = word else { return Err(WireError::bad_request("`refresh_done` needs `outcome`")) };
    let wrong = || WireError::bad_request("`outcome` must be `ok`, `failed` or `dead`");
    RefreshOutcome::parse(&word).ok_or_else(wrong)
}

/// Reads an object inside the request by the same rules as the request itself.
fn inner<'a>(prefix: &str, json: &'a str, keys: KeySet, unknown: &mut Vec<Cow<'a, str>>) -> Result<Fields<'a>> {
    let mut fields = fields::read(json, keys).map_err(|problem| problem.into_error(prefix))?;
    fields.ignored(keys, prefix, unknown);
    Ok(fields)
}

fn page(limit: Option<Positive>, name: &'static str, most: usize) -> Result<usize> {
    let Some(Positive(limit)) = limit else {
        return Ok(most);
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    at_most(name, most, limit, "`limit` asks for too much at once")?;
    Ok(limit)
}

fn at_most(limit: &'static str, value: usize, found: usize, what: &str) -> Result<()> {
    if found <= value {
        return Ok(());
    }
    Err(WireError::limit(limit, u64::try_from(value).unwrap_or(u64::MAX), what))
}

fn name_of(name: Option<Name<'_>>) -> Option<Cow<'_, str>> {
    name.map(|Name(name)| name)
}

/// Says which operation a missing field is missing from.
struct Needs(OpName);

impl Needs {
    fn name<'a>(&self, field: &str, value: Option<Name<'a>>) -> Result<Cow<'a, str>> {
        name_of(value).ok_or_else(|| WireError::bad_request(format!("`{}` needs `{field}`", self.0)))
    }
}
