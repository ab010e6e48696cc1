//! Every field that any operation knows, read in one pass over the line.
//!
//! `op` may stand anywhere, so the fields before it are read without knowing what they are for. An
//! internally tagged enum would buffer the whole object to get around that, and on the way lose
//! sight of duplicate keys.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;

use super::values::{
    Body, Code, Cursor, Headers, Hint, HttpStatus, Ids, Int, Name, Note, Positive, Text, Value, Versions,
};
use super::{Id, Raw};
use crate::error::WireError;
use crate::limits::{MAX_ECHO_BYTES, MAX_UNKNOWN_NAMED};
use crate::words::{Class, FailureKind, OpName};

/// Defines `Key`, the names of fields, and `Fields`, their values.
macro_rules! fields {
    ($($name:ident: $type:ty,)+) => {
        /// The name of a field.
        #[expect(non_camel_case_types, reason = "a variant is spelled as its field is")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Key { $($name,)+ }

        impl Key {
            pub(super) const ALL: &'static [Self] = &[$(Self::$name,)+];

            fn parse(name: &str) -> Option<Self> {
                match name { $(stringify!($name) => Some(Self::$name),)+ _ => None }
            }

            pub(super) const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }
        }

        /// What stood in an object.
        #[derive(Debug, Default)]
        pub(super) struct Fields<'a> {
            $(pub(super) $name: Option<$type>,)+
            /// Which keys stood there, those whose value was `null` included.
            seen: KeySet,
            /// What else stood there.
            unknown: BTreeSet<Cow<'a, str>>,
        }

        impl<'a> Fields<'a> {
            const fn expected(key: Key) -> &'static str {
                match key { $(Key::$name => <$type as Value<'a>>::EXPECTED,)+ }
            }

            fn read_value<A: MapAccess<'a>>(&mut self, key: Key, map: &mut A) -> Result<(), A::Error> {
                match key { $(Key::$name => self.$name = map.next_value()?,)+ }
                Ok(())
            }
        }
    };
}

fields! {
    op: Text<'a>,
    id: Id<'a>,
    client: Name<'a>,
    protocol: Versions,
    pool: Name<'a>,
    profile: Name<'a>,
    model: Name<'a>,
    session: Name<'a>,
    credential: Name<'a>,
    exclude: Ids<'a>,
    class: Class,
    wait_ms: Int,
    ttl_ms: Positive,
    detach: bool,
    secret: bool,
    lease: Name<'a>,
    epoch: Name<'a>,
    status: HttpStatus,
    headers: Headers<'a>,
    body: Body<'a>,
    message: Text<'a>,
    code: Code<'a>,
    kind: FailureKind,
    reset_at: Hint<'a>,
    resets_at: Hint<'a>,
    retry_until: Hint<'a>,
    retry_after: Hint<'a>,
    report: Positive,
    keep: bool,
    next: Raw<'a>,
    outcome: Text<'a>,
    usage: Raw<'a>,
    input_tokens: Int,
    output_tokens: Int,
    after: Cursor<'a>,
    limit: Positive,
    leases: bool,
    leases_after: Int,
    for_ms: Positive,
    note: Note<'a>,
    stale: Name<'a>,
    ticket: Name<'a>,
}

/// A set of keys.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct KeySet(u64);

impl KeySet {
    pub(super) const ALL: Self = Self(u64::MAX);

    pub(super) const fn of(keys: &[Key]) -> Self {
        let mut set = 0;
        let mut at = 0;
        while at < keys.len() {
            set |= 1 << keys[at] as u64;
            at += 1;
        }
        Self(set)
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn has(self, key: Key) -> bool {
        self.0 & (1 << key as u64) != 0
    }

    fn insert(&mut self, key: Key) {
        self.0 |= 1 << key as u64;
    }
}

const _: () = assert!(Key::ALL.len() <= 64, "a set of keys has 64 bits");

/// The fields of `acquire` that are conditions of a lease, which `next` has too.
pub(super) const OPTIONS: KeySet = KeySet::of(&[
    Key::profile,
    Key::model,
    Key::session,
    Key::credential,
    Key::exclude,
    Key::class,
    Key::wait_ms,
    Key::ttl_ms,
    Key::detach,
    Key::secret,
]);

/// The fields of `usage`.
pub(super) const USAGE: KeySet = KeySet::of(&[Key::input_tokens, Key::output_tokens]);

/// The fields that an operation knows.
pub(super) const fn keys_of(op: OpName) -> KeySet {
    let own = match op {
        OpName::Ping | OpName::Reload => KeySet::of(&[]),
        OpName::Subscribe => KeySet::of(&[Key::pool, Key::profile]),
        OpName::Hello => KeySet::of(&[Key::client, Key::protocol]),
        OpName::Acquire | OpName::Explain => KeySet::of(&[Key::pool]).and(OPTIONS),
        OpName::ReportError => KeySet::of(&[
            Key::lease,
            Key::pool,
            Key::profile,
            Key::credential,
            Key::epoch,
            Key::status,
            Key::headers,
            Key::body,
            Key::message,
            Key::code,
            Key::kind,
            Key::reset_at,
            Key::resets_at,
            Key::retry_until,
            Key::retry_after,
            Key::model,
            Key::report,
            Key::keep,
            Key::next,
        ]),
        OpName::Release => KeySet::of(&[Key::lease, Key::outcome, Key::status, Key::headers, Key::usage]),
        OpName::Renew => KeySet::of(&[Key::lease, Key::ttl_ms, Key::detach]),
        OpName::Claim => KeySet::of(&[Key::lease]),
        OpName::Status => {
            KeySet::of(&[Key::pool, Key::profile, Key::after, Key::limit, Key::leases, Key::leases_after])
        }
        OpName::History => KeySet::of(&[Key::pool, Key::profile, Key::credential, Key::model, Key::limit]),
        OpName::Clear => KeySet::of(&[Key::pool, Key::profile, Key::credential, Key::model]),
        OpName::Disable => KeySet::of(&[Key::pool, Key::profile, Key::credential, Key::for_ms, Key::note]),
        OpName::Enable => KeySet::of(&[Key::pool, Key::profile, Key::credential]),
        OpName::Refresh => KeySet::of(&[Key::pool, Key::profile, Key::credential, Key::stale]),
        OpName::RefreshDone => KeySet::of(&[Key::ticket, Key::outcome, Key::message]),
    };
    own.and(KeySet::of(&[Key::op, Key::id]))
}

/// Reads `text` as one object; of its fields those in `keys`, ignoring the others.
///
/// A key that stands there twice is a problem whether or not it is ignored.
pub(super) fn read(text: &str, keys: KeySet) -> Result<Fields<'_>, Problem<'_>> {
    let mut problem = None;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let reader = Reader { keys, problem: &mut problem };
    let fields = match reader.deserialize(&mut deserializer) {
        Ok(fields) => fields,
        // A broken value is found while its field is read, but the field is not what is wrong.
        Err(error) if error.classify() != Category::Data => return Err(Problem::Syntax(error.column())),
        Err(_) => return Err(problem.unwrap_or(Problem::NotAnObject)),
    };
    deserializer.end().map_err(|_| Problem::Trailing)?;
    Ok(fields)
}

impl<'a> Fields<'a> {
    /// Adds the names of what has been ignored to `names`, those fields included that were read but
    /// are not in `keys`.
    pub(super) fn ignored(&mut self, keys: KeySet, prefix: &str, names: &mut Vec<Cow<'a, str>>) {
        if self.seen.0 & !keys.0 != 0 {
            let foreign = Key::ALL.iter().filter(|&&key| self.seen.has(key) && !keys.has(key));
            self.unknown.extend(foreign.map(|key| Cow::Borrowed(key.name())));
        }
        let room = MAX_UNKNOWN_NAMED.saturating_sub(names.len());
        names.extend(std::mem::take(&mut self.unknown).into_iter().take(room).map(|name| {
            if prefix.is_empty() { clipped(name) } else { clipped(Cow::Owned(format!("{prefix}{name}"))) }
        }));
    }
}

/// The first 64 bytes of `name`, or a few less where a character would be cut.
fn clipped(name: Cow<'_, str>) -> Cow<'_, str> {
    let end = name.floor_char_boundary(MAX_ECHO_BYTES);
    match name {
        Cow::Borrowed(name) => Cow::Borrowed(&name[..end]),
        Cow::Owned(mut name) => {
            name.truncate(end);
            Cow::Owned(name)
        }
    }
}

/// Why an object could not be read.
#[derive(Debug)]
pub(super) enum Problem<'a> {
    /// The text is JSON, but not an object.
    NotAnObject,
    /// The text is not JSON, from this column on.
    Syntax(usize),
    /// The object is followed by something else.
    Trailing,
    /// A key stands there twice.
    Duplicate(Cow<'a, str>),
    /// A field has the wrong type or size.
    Invalid(Key),
}

impl Problem<'_> {
    /// The refusal to answer with; `prefix` is the path to the object, with its last dot.
    pub(super) fn into_error(self, prefix: &str) -> WireError<'static> {
        WireError::bad_request(match self {
            Self::NotAnObject if prefix.is_empty() => "a request must be a JSON object".to_owned(),
            Self::NotAnObject => {
                format!("`{}` must be an object", prefix.trim_end_matches('.'))
            }
            Self::Syntax(column) => format!("the line is not valid JSON at byte {column}"),
            Self::Trailing => "a line must hold one JSON object and nothing else".to_owned(),
            Self::Duplicate(name) => {
                format!("the field `{prefix}{}` stands there twice", clipped(name).escape_debug())
            }
            Self::Invalid(key) => format!("`{prefix}{}` must be {}", key.name(), Fields::expected(key)),
        })
    }
}

struct Reader<'p, 'a> {
    keys: KeySet,
    /// Tells what was wrong where serde's error can't.
    problem: &'p mut Option<Problem<'a>>,
}

impl<'de> DeserializeSeed<'de> for Reader<'_, 'de> {
    type Value = Fields<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Fields<'de>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Reader<'_, 'de> {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields::default();
        while let Some(Text(name)) = map.next_key()? {
            let key = Key::parse(&name).filter(|&key| self.keys.has(key));
            let duplicate = match key {
                Some(key) => fields.seen.has(key),
                None => fields.unknown.contains(&name),
            };
            if duplicate {
                *self.problem = Some(Problem::Duplicate(name));
                return Err(A::Error::custom(""));
            }
            if let Some(key) = key {
                fields.seen.insert(key);
                if let Err(error) = fields.read_value(key, &mut map) {
                    *self.problem = Some(Problem::Invalid(key));
                    return Err(error);
                }
            } else {
                fields.unknown.insert(name);
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(fields)
    }
}
