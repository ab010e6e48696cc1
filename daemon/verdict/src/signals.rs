//! What rules and hints look at: the status, and whatever a body or a message says in places that are known to matter.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::evidence::MAX_EVIDENCE_BYTES;
use crate::facts::Facts;
use crate::json::{self, Field};
use crate::places::{self, Place};
use crate::quoting;

/// The most codes, texts, resets and headers that are kept of one report each.
const MAX_KEPT: usize = 32;

/// The longest code, reset or header that is kept, in bytes; longer ones are none that anybody knows.
const MAX_SHORT_BYTES: usize = 128;

/// How much of a text is looked at, in bytes.
const MAX_PROSE_BYTES: usize = 2_048;

/// How much of a page is looked at, in bytes.
const MAX_PAGE_BYTES: usize = 8_192;

/// The longest error that is read out of a header, in bytes of the header.
const MAX_ERROR_HEADER_BYTES: usize = 4_096;

/// What content networks call themselves on their pages, and how Cloudflare's challenge begins.
const EDGES: &[&str] =
    &["cloudflare", "Cloudflare", "cf-error", "Just a moment", "CloudFront", "Akamai", "Incapsula", "Sucuri"];

/// How many fields of known names are looked at. A stream of 256 KiB has fewer; a body made to keep us busy has more.
const MAX_FIELDS: usize = 16_384;

/// How deep strings that hold JSON are opened: a body that is a string, whose message is what an upstream said.
const MAX_NESTING: usize = 3;

/// A structured error code and where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) source: &'static str,
    /// Trimmed, lower case.
    pub(crate) value: String,
}

/// Words for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prose {
    pub(crate) source: &'static str,
    /// Lower case, at most [`MAX_PROSE_BYTES`].
    pub(crate) text: String,
    /// What the error says itself, without what it repeats of a request ([`quoting::own_words`]).
    pub(crate) own: String,
    /// Whether its end is there.
    pub(crate) whole: bool,
}

/// A reset hint as it stood in a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reset {
    pub(crate) source: &'static str,
    pub(crate) unit: places::Unit,
    pub(crate) value: String,
}

/// The facts in the form that rules and hints are written for. Its size is bounded, whatever the body's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Signals {
    /// The HTTP status if it is one of failure, or else the one that the body or the message names.
    pub(crate) status: Option<u16>,
    /// The most telling first: what the client dug out, then `code` before `type`, as vendors put the precise reason
    /// in the former and its family in the latter.
    pub(crate) codes: Vec<Code>,
    pub(crate) prose: Vec<Prose>,
    pub(crate) resets: Vec<Reset>,
    /// The headers, those of the response first and then those that its body repeats: lower-case name, trimmed value.
    pub(crate) headers: Vec<(String, String)>,
    /// Whether the body is a page for people.
    pub(crate) html: bool,
    /// Whether that page is a content network's.
    pub(crate) names_an_edge: bool,
    /// The limit that Codex' in-band events are about, as the event names it; none for the plan's own.
    pub(crate) metered_limit: Option<String>,
    /// Whether a part of the request is named as being at fault.
    names_a_param: bool,
    /// What the body says that its status is.
    body_status: Option<u16>,
    /// How many fields have been looked at.
    fields: usize,
}

impl Signals {
    pub(crate) fn read(facts: &Facts<'_>) -> Self {
        let mut signals = Self::default();
        signals.read_headers(facts);
        if let Some(code) = facts.code {
            signals.code("field:code", code);
        }
        if let Some(body) = facts.body {
            signals.html = is_html(body);
            if signals.html {
                let page = &body[..body.floor_char_boundary(MAX_PAGE_BYTES)];
                signals.names_an_edge = EDGES.iter().any(|name| page.contains(name));
            } else {
                signals.text("body", body, 0);
            }
        }
        if let Some(message) = facts.message {
            signals.text("message", message, 0);
        }
        let failed = |status: &u16| *status >= 400;
        let said = || facts.message.and_then(leading_status);
        signals.status = facts.status.filter(failed).or(signals.body_status).or_else(said).or(facts.status);
        signals.codes.sort_by_key(|code| places::rank(code.source));
        signals
    }

    /// The values of a header.
    pub(crate) fn header<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s str> {
        self.headers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Whether a code of this value is there.
    pub(crate) fn has_code(&self, value: &str) -> bool {
        self.codes.iter().any(|code| code.value == value)
    }

    /// Whether one of the texts has these words, which are in lower case.
    pub(crate) fn says(&self, words: &str) -> bool {
        self.prose.iter().any(|prose| prose.text.contains(words))
    }

    /// Whether the words of this error may be the request's own: it is about a request, and not about how many there are
    /// or who pays for them.
    pub(crate) fn may_repeat_the_request(&self) -> bool {
        match self.status {
            Some(200..=299 | 400 | 403..=404 | 413 | 415 | 422) => true,
            Some(_) => false,
            None => self.has_code("invalid_request_error"),
        }
    }

    /// Whether such an error says that a part of the request is at fault: it names the part, or has a code that says so.
    pub(crate) fn blames_the_request(&self) -> bool {
        let blames = |code: &Code| {
            let wrong = ["invalid_", "unsupported_", "missing_"].iter().any(|start| code.value.starts_with(start));
            let of_more = ["request", "argument", "key", "token", "auth", "credential", "account", "model"];
            wrong && !of_more.iter().any(|word| code.value.contains(word))
        };
        self.may_repeat_the_request() && (self.names_a_param || self.codes.iter().any(blames))
    }

    fn read_headers(&mut self, facts: &Facts<'_>) {
        for (name, value) in facts.headers {
            self.header_code(name, value);
            self.keep_header(name, value);
        }
    }

    /// Reads a code out of a header, in lower case, that holds one.
    fn header_code(&mut self, name: &str, value: &str) {
        match name {
            // Amazon names the exception here, often with a colon and a URL behind (restJson1, "error type").
            "x-amzn-errortype" => {
                self.code("header:x-amzn-errortype", value.split(':').next().unwrap_or_default());
            }
            // Which of a workspace's limits a 429 of Codex is about (openai/codex, codex-api, api_bridge_tests.rs).
            "x-codex-rate-limit-reached-type" => self.code("header:x-codex-rate-limit-reached-type", value),
            // ChatGPT's backend, where the body may be no more than "Unauthorized" (the same file, and responses that
            // people published): the code alone, and the error in JSON and base64.
            "x-openai-ide-error-code" => self.code("header:x-openai-ide-error-code", value),
            "x-error-json" if value.len() <= MAX_ERROR_HEADER_BYTES => {
                let error = STANDARD.decode(value.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
                json::scan(&error.unwrap_or_default(), &mut |field| {
                    if field.path == ["error", "code"] && field.whole {
                        self.code("header:x-error-json", field.value);
                    }
                });
            }
            _ => {}
        }
    }

    fn keep_header(&mut self, name: &str, value: &str) {
        let telling =
            ["retry-after", "ratelimit", "rate-limit", "x-codex-", "-used-percent", "quota-snapshot", "cf-mitigated"];
        let is_telling = |name: &str| {
            matches!(name, "date" | "x-ms-retry-after-ms") || telling.iter().any(|part| name.contains(part))
        };
        // Of the headers only those that somebody reads; there may be many others, and cookies among them.
        if name.len() <= MAX_SHORT_BYTES && value.len() <= MAX_SHORT_BYTES && self.headers.len() < 2 * MAX_KEPT {
            let name = name.to_ascii_lowercase();
            let belongs_to_a_family = name.starts_with("x-")
                && ["-primary-", "-secondary-", "-limit-name"].iter().any(|part| name.contains(part));
            if is_telling(&name) || belongs_to_a_family {
                self.headers.push((name, value.trim().to_owned()));
            }
        }
    }

    /// Reads a body or a message: JSON, a string that holds JSON, words with JSON among them, or words alone.
    fn text(&mut self, source: &'static str, text: &str, nesting: usize) {
        let text = text.trim_start_matches('\u{feff}').trim();
        if nesting > MAX_NESTING || text.is_empty() {
            return;
        }
        if let Some(inner) = json::leading_string(text) {
            return self.text(source, &inner, nesting + 1);
        }
        if !text.starts_with(['{', '[']) && !is_event_stream(text) {
            self.prose(source, text, true);
        }
        json::scan(text, &mut |field| self.field(field, nesting));
    }

    fn field(&mut self, field: &Field<'_>, nesting: usize) {
        if self.fields >= MAX_FIELDS || !places::is_known(field.path) {
            return;
        }
        self.fields += 1;
        let Some(place) = places::find(field.path) else { return };
        match place {
            Place::Header(name) => {
                self.header_code(&name, field.value);
                self.keep_header(&name, field.value);
            }
            Place::MeteredLimit if field.quoted && field.value.len() <= MAX_SHORT_BYTES => {
                self.metered_limit = Some(field.value.to_ascii_lowercase().replace('_', "-"));
            }
            // A model that is at fault may be another key's; the name of no parameter is Python's.
            Place::Param if field.quoted => {
                self.names_a_param |= !matches!(field.value, "" | "None" | "null" | "model");
            }
            Place::Exception(name) => self.code("body:exception", &name),
            Place::Code(source) if field.whole => self.code_or_status(source, field),
            Place::Words(source) if field.quoted => {
                if field.value.contains('{') {
                    self.text(source, field.value, nesting + 1);
                } else {
                    self.prose(source, field.value, field.whole);
                }
            }
            // `error` is an object, a sentence or a code (RFC 6749, section 5.2).
            Place::CodeOrWords(source) if field.quoted => {
                if field.whole && !field.value.contains([' ', '{']) {
                    self.code(source, field.value);
                } else {
                    self.text(source, field.value, nesting + 1);
                }
            }
            Place::Reset(source, unit)
                if field.whole && field.value.len() <= MAX_SHORT_BYTES && self.resets.len() < MAX_KEPT =>
            {
                self.resets.push(Reset { source, unit, value: field.value.trim().to_owned() });
            }
            _ => {}
        }
    }

    fn code_or_status(&mut self, source: &'static str, field: &Field<'_>) {
        if let Ok(status @ 400..=599) = field.value.parse() {
            self.body_status.get_or_insert(status);
        }
        if field.quoted || field.value.bytes().all(|byte| byte.is_ascii_digit()) {
            self.code(source, field.value);
        }
    }

    fn code(&mut self, source: &'static str, code: &str) {
        let value = code.trim();
        if value.is_empty() || value.len() > MAX_SHORT_BYTES || self.codes.len() >= MAX_KEPT {
            return;
        }
        let value = value.to_ascii_lowercase();
        if !self.codes.iter().any(|code| code.source == source && code.value == value) {
            self.codes.push(Code { source, value });
        }
    }

    fn prose(&mut self, source: &'static str, text: &str, whole: bool) {
        if self.prose.len() < MAX_KEPT / 4 && !text.is_empty() {
            let kept = &text[..text.floor_char_boundary(MAX_PROSE_BYTES)];
            let lower = kept.to_ascii_lowercase();
            self.prose.push(Prose {
                source,
                own: quoting::own_words(&lower),
                text: lower,
                whole: whole && kept.len() == text.len(),
            });
        }
    }
}

/// A page from something between client and provider.
fn is_html(body: &str) -> bool {
    let start = body.trim_start_matches('\u{feff}').trim_start();
    let start = start[..start.floor_char_boundary(MAX_SHORT_BYTES)].to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head")
}

fn is_event_stream(text: &str) -> bool {
    ["data:", "event:", "id:", ": "].iter().any(|field| text.starts_with(field))
}

/// The status in `Error code: 429 - {…}` (Python SDKs of OpenAI and Anthropic), `429 {…}` (their Node SDKs), `HTTP 429`
/// and the like.
fn leading_status(message: &str) -> Option<u16> {
    let start = message[..message.floor_char_boundary(MAX_PROSE_BYTES)].to_ascii_lowercase();
    let after = |words: &str| start.find(words).map(|at| &start[at + words.len()..]);
    let number = |text: &str| -> Option<u16> {
        let text = text.trim_start_matches([' ', ':', '=', '(']);
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse().ok().filter(|status| (400..=599).contains(status) && end == 3)
    };
    number(&start).or_else(|| {
        let words = ["error code", "status code", "http status", "status", "http/1.1", "http", "api error"];
        words.iter().find_map(|words| after(words).and_then(number))
    })
}

const _: () = assert!(MAX_SHORT_BYTES >= MAX_EVIDENCE_BYTES, "what is shown as evidence must have been kept");
