//! A lenient second look at a line that was refused: enough of it to address the refusal.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use super::values::Text;
use super::{Id, Raw};

/// What could be made out: nothing at all unless the line is one JSON object.
#[derive(Default)]
pub(super) struct Peek<'a> {
    /// `id`, if it stands there once and is good.
    pub(super) id: Option<Id<'a>>,
    /// `op`, if it stands there once and is a string.
    pub(super) op: Option<Cow<'a, str>>,
}

pub(super) fn peek(text: &str) -> Peek<'_> {
    let Ok(Raws { id, op }) = serde_json::from_str(text) else {
        return Peek::default();
    };
    Peek {
        id: id.once().and_then(|raw| serde_json::from_str(raw.get()).ok()),
        op: op.once().and_then(|raw| serde_json::from_str(raw.get()).ok()).map(|Text(op)| op),
    }
}

#[derive(Default)]
struct Raws<'a> {
    id: Occurrence<'a>,
    op: Occurrence<'a>,
}

#[derive(Default)]
enum Occurrence<'a> {
    #[default]
    None,
    Once(Raw<'a>),
    Twice,
}

impl<'a> Occurrence<'a> {
    fn add(&mut self, raw: Raw<'a>) {
        *self = match self {
            Self::None => Self::Once(raw),
            Self::Once(_) | Self::Twice => Self::Twice,
        };
    }

    fn once(self) -> Option<Raw<'a>> {
        match self {
            Self::Once(raw) => Some(raw),
            Self::None | Self::Twice => None,
        }
    }
}

impl<'de> Deserialize<'de> for Raws<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Raws<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Raws<'de>, A::Error> {
                let mut raws = Raws::default();
                while let Some(Text(key)) = map.next_key()? {
                    match &*key {
                        "id" => raws.id.add(map.next_value()?),
                        "op" => raws.op.add(map.next_value()?),
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(raws)
            }
        }
        deserializer.deserialize_map(Object)
    }
}
