//! The kinds of failure.

use std::fmt;
use std::str::FromStr;

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What kind of failure it was. The names are part of the wire protocol.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$doc])* $variant,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// Too many requests in a short time.
    RateLimit = "rate_limit",
    /// A longer window of use is spent until it resets.
    Quota = "quota",
    /// Out of credit: somebody has to pay.
    Billing = "billing",
    /// The secret was refused, perhaps not for good.
    Auth = "auth",
    /// The provider says that the secret is void for good.
    Dead = "dead",
    /// The secret is known, but may not do this.
    Forbidden = "forbidden",
    /// This model is not to be had with this credential.
    Model = "model",
    /// The provider has no capacity left, for anybody.
    Overloaded = "overloaded",
    /// The provider failed.
    Server = "server",
    /// Something between the client and the provider failed.
    Edge = "edge",
    /// The network failed or was too slow.
    Network = "network",
    /// The request itself was at fault.
    Request = "request",
    /// The caller gave up.
    Cancelled = "cancelled",
    /// Nothing is known, and so nothing is concluded.
    Unknown = "unknown",
}

impl Kind {
    /// The kind that a caller names from its own knowledge: any kind, or `timeout`, which is a kind of `network`.
    ///
    /// `None` for a name that is not known, and for `unknown`: a caller that knows nothing leaves the judgement to the
    /// rules.
    pub(crate) fn from_caller(name: &str) -> Option<Self> {
        match name.trim() {
            "timeout" => Some(Self::Network),
            name => name.parse().ok().filter(|kind| *kind != Self::Unknown),
        }
    }

    /// Whether a deadline named by the provider means anything for it. A void secret does not heal by waiting, and
    /// what is nobody's fault has no deadline.
    pub(crate) fn heeds_hints(self) -> bool {
        !matches!(self, Self::Dead | Self::Request | Self::Cancelled | Self::Unknown)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The error of parsing a [`Kind`]: there is no kind of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownKind;

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such verdict kind")
    }
}

impl std::error::Error for UnknownKind {}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == name).ok_or(UnknownKind)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for kind in Kind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(*kind));
        }
        assert_eq!("Quota".parse::<Kind>(), Err(UnknownKind));
    }

    #[test]
    fn callers_may_say_timeout_but_not_unknown() {
        assert_eq!(Kind::from_caller("timeout"), Some(Kind::Network));
        assert_eq!(Kind::from_caller(" quota "), Some(Kind::Quota));
        assert_eq!(Kind::from_caller("unknown"), None);
        assert_eq!(Kind::from_caller("gremlins"), None);
    }
}
