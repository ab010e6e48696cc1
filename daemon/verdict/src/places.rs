//! Where in a body vendors put what matters. A place is a field's name together with the names around it: `code` means
//! something in `error.code` and `response.error.code`, and nothing in the arguments of a tool.

use std::borrow::Cow;

/// Names that may stand around an error. A field below any other name is somebody's content.
const AROUND: &[&str] = &[
    "error",
    "errors",
    "err",
    "innererror",
    "cause",
    "response",
    "result",
    "data",
    "body",
    "detail",
    "details",
    "exception",
    "lasterror",
    "baseresp",
    "metadata",
    "violations",
    "choices",
    "message",
    "extra",
    "retrydelay",
];

/// What a field is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A code.
    Code(&'static str),
    /// Words for people.
    Words(&'static str),
    /// A code, or words.
    CodeOrWords(&'static str),
    /// When it is over.
    Reset(&'static str, Unit),
    /// A response header, by its name in lower case.
    Header(String),
    /// The name of the limit that a Codex event is about.
    MeteredLimit,
    /// The part of the request that is at fault.
    Param,
    /// Anything in an object that is named after an exception, as Amazon's event streams have it.
    Exception(String),
}

/// What the value of a reset means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Seconds from now if it is small, an instant in seconds or milliseconds if it is large; or text.
    Seconds,
    /// Milliseconds from now.
    Milliseconds,
    /// Less than a second, on top of the seconds before.
    Nanoseconds,
    /// Not a time: the name of a quota, which tells its window.
    QuotaName,
}

/// One line of [`FIELDS`].
struct Known {
    /// In lower case, without `_` and `-`, as [`is`] compares.
    key: &'static str,
    /// The source of the evidence, with and without an `error` around.
    source: (&'static str, &'static str),
    sort: Sort,
}

#[derive(Clone, Copy)]
enum Sort {
    Code,
    Words,
    CodeOrWords,
    Param,
    Reset(Unit),
}

const fn known(key: &'static str, sort: Sort, in_error: &'static str, plain: &'static str) -> Known {
    Known { key, source: (in_error, plain), sort }
}

/// OpenAI, Anthropic and those who follow them nest an `error` object; OAuth endpoints (RFC 6749, section 5.2), xAI and
/// gateways put a code or a sentence into `error` itself; Mistral, Cerebras, MiniMax and FastAPI put their fields at
/// the top; Google (google.rpc.Status) has a list of typed `details`.
const FIELDS: &[Known] = &[
    known("code", Sort::Code, "body:error.code", "body:code"),
    known("type", Sort::Code, "body:error.type", "body:type"),
    known("message", Sort::Words, "body:error.message", "body:message"),
    // OpenAI's: the parameter that is wrong.
    known("param", Sort::Param, "body:error.param", "body:param"),
    known("status", Sort::Code, "body:error.status", "body:status"),
    known("error", Sort::CodeOrWords, "body:error", "body:error"),
    known("detail", Sort::CodeOrWords, "body:error.detail", "body:detail"),
    // Google's ErrorInfo and OpenRouter's metadata.
    known("reason", Sort::Code, "body:error.reason", "body:reason"),
    known("limitsource", Sort::Code, "body:error.metadata.limit_source", "body:metadata.limit_source"),
    known("providername", Sort::Code, "body:error.metadata.provider_name", "body:metadata.provider_name"),
    known("providercode", Sort::Code, "body:error.metadata.provider_code", "body:metadata.provider_code"),
    known("finishreason", Sort::Code, "body:error.finish_reason", "body:finish_reason"),
    known("flaggedinput", Sort::Words, "body:error.metadata.flagged_input", "body:metadata.flagged_input"),
    known("errortype", Sort::Code, "body:error.error_type", "body:error_type"),
    // Anthropic's `details.error_code`.
    known("errorcode", Sort::Code, "body:error.error_code", "body:error_code"),
    known("statuscode", Sort::Code, "body:error.status_code", "body:status_code"),
    known("statusmsg", Sort::Words, "body:error.status_msg", "body:status_msg"),
    known("rawstatuscode", Sort::Code, "body:error.raw_status_code", "body:raw_status_code"),
    known("httpcode", Sort::Code, "body:error.http_code", "body:http_code"),
    known("httpstatus", Sort::Code, "body:error.http_status", "body:http_status"),
    known("errordescription", Sort::Words, "body:error.error_description", "body:error_description"),
    known("errormessage", Sort::Words, "body:error.error_message", "body:error_message"),
    known("msg", Sort::Words, "body:error.msg", "body:msg"),
    // google.rpc.RetryInfo, as a string or as the object of a protobuf duration.
    known("retrydelay", Sort::Reset(Unit::Seconds), "body:error.retryDelay", "body:retryDelay"),
    known("seconds", Sort::Reset(Unit::Seconds), "body:error.retryDelay.seconds", "body:retryDelay.seconds"),
    known("nanos", Sort::Reset(Unit::Nanoseconds), "body:error.retryDelay.nanos", "body:retryDelay.nanos"),
    // google.rpc.ErrorInfo of Code Assist, google.rpc.QuotaFailure.
    known("quotaresetdelay", Sort::Reset(Unit::Seconds), "body:error.quotaResetDelay", "body:quotaResetDelay"),
    known(
        "quotaresettimestamp",
        Sort::Reset(Unit::Seconds),
        "body:error.quotaResetTimeStamp",
        "body:quotaResetTimeStamp",
    ),
    known("quotaid", Sort::Reset(Unit::QuotaName), "body:error.quotaId", "body:quotaId"),
    known("quotalimit", Sort::Reset(Unit::QuotaName), "body:error.quota_limit", "body:quota_limit"),
    known("quotavalue", Sort::Code, "body:error.quotaValue", "body:quotaValue"),
    // Codex, OpenRouter's budgets, and gateways.
    known("resetsat", Sort::Reset(Unit::Seconds), "body:error.resets_at", "body:resets_at"),
    known("resetat", Sort::Reset(Unit::Seconds), "body:error.reset_at", "body:reset_at"),
    known("resettime", Sort::Reset(Unit::Seconds), "body:error.reset_time", "body:reset_time"),
    known("nextresettime", Sort::Reset(Unit::Seconds), "body:error.nextResetTime", "body:nextResetTime"),
    known("resetsinseconds", Sort::Reset(Unit::Seconds), "body:error.resets_in_seconds", "body:resets_in_seconds"),
    known("resetinseconds", Sort::Reset(Unit::Seconds), "body:error.reset_in_seconds", "body:reset_in_seconds"),
    known(
        "resetafterseconds",
        Sort::Reset(Unit::Seconds),
        "body:error.reset_after_seconds",
        "body:reset_after_seconds",
    ),
    known("resetsin", Sort::Reset(Unit::Seconds), "body:error.resets_in", "body:resets_in"),
    known("retryafter", Sort::Reset(Unit::Seconds), "body:error.retry_after", "body:retry_after"),
    known(
        "retryafterseconds",
        Sort::Reset(Unit::Seconds),
        "body:error.retry_after_seconds",
        "body:retry_after_seconds",
    ),
    known("retryafterms", Sort::Reset(Unit::Milliseconds), "body:error.retry_after_ms", "body:retry_after_ms"),
    known("retryat", Sort::Reset(Unit::Seconds), "body:error.retry_at", "body:retry_at"),
    known("retryuntil", Sort::Reset(Unit::Seconds), "body:error.retry_until", "body:retry_until"),
];

/// The family of headers that stand for the windows of an in-band event. Whose they are, another field of it says.
pub(crate) const EVENT: &str = "codex-event";

/// Fields of a window in Codex' in-band events, which are all that a client on a web socket gets to see
/// (`codex.rate_limits`; openai/codex, codex-api, rate_limits.rs), and what the headers of the same windows are called.
const OF_WINDOWS: &[(&str, &str)] = &[
    ("usedpercent", "used-percent"),
    ("windowminutes", "window-minutes"),
    ("resetat", "reset-at"),
    ("resetafterseconds", "reset-after-seconds"),
    ("resetsinseconds", "reset-after-seconds"),
];

/// The same for what such an event says of credits beyond the windows.
const OF_CREDITS: &[(&str, &str)] =
    &[("hascredits", "x-codex-credits-has-credits"), ("unlimited", "x-codex-credits-unlimited")];

/// Where such an event names the limit that it is about.
const METERED_LIMIT: &str = "meteredlimitname";

/// Sources of codes in the order in which they tell most; all others come after, in the order of the body.
const TELLING: &[&str] = &[
    "field:code",
    "body:error.metadata.limit_source",
    "body:error.error_code",
    "body:error.reason",
    "body:error.code",
    "body:code",
    "body:status_code",
];

/// Whether [`find`] may find something at `path`. Most fields fail here, which is cheap.
pub(crate) fn is_known(path: &[Cow<'_, str>]) -> bool {
    let Some((key, around)) = path.split_last() else { return false };
    let special = |name: &str| {
        ["headers", "primary", "secondary", "credits"].iter().any(|known| is(name, known)) || ends_with_exception(name)
    };
    around.last().map_or_else(|| is(key, METERED_LIMIT), |name| special(name))
        || FIELDS.iter().any(|field| is(key, field.key))
}

/// What stands at `path`, whose keys are as the vendor wrote them.
pub(crate) fn find(path: &[Cow<'_, str>]) -> Option<Place> {
    let (key, around) = path.split_last()?;
    let below = around.last();
    if let [name] = around
        && ends_with_exception(name)
    {
        return Some(Place::Exception(name.to_string()));
    }
    if let [.., limits, window] = around
        && is(limits, "ratelimits")
        && (is(window, "primary") || is(window, "secondary"))
    {
        let (_, field) = OF_WINDOWS.iter().find(|(field, _)| is(key, field))?;
        return Some(Place::Header(format!("x-{EVENT}-{}-{field}", window.to_ascii_lowercase())));
    }
    if let [name] = around
        && is(name, "credits")
    {
        let (_, header) = OF_CREDITS.iter().find(|(field, _)| is(key, field))?;
        return Some(Place::Header((*header).to_owned()));
    }
    if around.is_empty() && is(key, METERED_LIMIT) {
        return Some(Place::MeteredLimit);
    }
    let (headers, around) = match around.split_last() {
        Some((last, before)) if is(last, "headers") => (true, before),
        _ => (false, around),
    };
    if !around.iter().all(|name| AROUND.iter().any(|known| is(name, known))) {
        return None;
    }
    if headers {
        return Some(Place::Header(key.to_ascii_lowercase()));
    }
    let field = FIELDS.iter().find(|field| is(key, field.key))?;
    if matches!(field.key, "seconds" | "nanos") && !below.is_some_and(|name| is(name, "retrydelay")) {
        return None;
    }
    let in_error = around.iter().any(|name| is(name, "error") || is(name, "errors"));
    let source = if in_error { field.source.0 } else { field.source.1 };
    Some(match field.sort {
        Sort::Code => Place::Code(source),
        Sort::Param => Place::Param,
        Sort::Words => Place::Words(source),
        Sort::CodeOrWords => Place::CodeOrWords(source),
        Sort::Reset(unit) => Place::Reset(source, unit),
    })
}

/// How telling a code from this source is: the lower, the more.
pub(crate) fn rank(source: &str) -> usize {
    TELLING.iter().position(|known| *known == source).unwrap_or(TELLING.len())
}

/// Whether it is called after an exception: `throttlingException`, not just `exception`.
fn ends_with_exception(name: &str) -> bool {
    const ENDING: &str = "exception";
    let start = name.len().checked_sub(ENDING.len()).filter(|start| *start > 0);
    start.and_then(|start| name.get(start..)).is_some_and(|end| end.eq_ignore_ascii_case(ENDING))
}

/// Whether a key is `name`, which is in lower case and without `_` and `-`.
fn is(key: &str, name: &str) -> bool {
    key.bytes().filter(|byte| !matches!(byte, b'_' | b'-')).map(|byte| byte.to_ascii_lowercase()).eq(name.bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(path: &str) -> Option<Place> {
        find(&path.split('.').map(Cow::Borrowed).collect::<Vec<_>>())
    }

    #[test]
    fn places_are_known_by_what_is_around_them() {
        assert_eq!(at("error.code"), Some(Place::Code("body:error.code")));
        assert_eq!(at("response.error.code"), Some(Place::Code("body:error.code")));
        assert_eq!(at("code"), Some(Place::Code("body:code")));
        assert_eq!(at("error.details.retryDelay"), Some(Place::Reset("body:error.retryDelay", Unit::Seconds)));
        assert_eq!(
            at("error.details.retry_delay.seconds"),
            Some(Place::Reset("body:error.retryDelay.seconds", Unit::Seconds))
        );
        assert_eq!(at("error.metadata.headers.X-RateLimit-Reset"), Some(Place::Header("x-ratelimit-reset".into())));
        assert_eq!(
            at("rate_limits.primary.used_percent"),
            Some(Place::Header("x-codex-event-primary-used-percent".into()))
        );
        assert_eq!(at("rate_limits.primary.limit"), None);
        assert_eq!(at("credits.has_credits"), Some(Place::Header("x-codex-credits-has-credits".into())));
        assert_eq!(at("metered_limit_name"), Some(Place::MeteredLimit));
        assert_eq!(at("throttlingException.message"), Some(Place::Exception("throttlingException".into())));
        for path in [
            "tool.arguments.code",
            "usage.seconds",
            "error.seconds",
            "request.headers.retry-after",
            "x.metered_limit_name",
            "user.credits.unlimited",
            "credits.balance",
            "id",
            "",
        ] {
            assert_eq!(at(path), None, "{path}");
        }
    }
}
