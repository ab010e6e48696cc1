//! Why a credential is not usable, and what a failure was judged to be.

/// The cause class of a restriction; with scope and model it makes the restriction's identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Cause {
    /// An operator switched it off.
    Disabled,
    /// Its definition cannot be resolved to a secret here.
    NoSecret,
    /// The provider says that the secret is void for good.
    Dead,
    /// Out of credit.
    Billing,
    /// The secret was refused, perhaps not for good.
    Auth,
    /// The account may not do this.
    Forbidden,
    /// A window of use is spent until it resets.
    Quota,
    /// Too many requests at once.
    RateLimit,
    /// This model is not to be had.
    Model,
    /// The provider has no capacity.
    Overloaded,
    /// The provider failed.
    Server,
    /// Something between us and the provider failed.
    Edge,
    /// The network failed.
    Network,
}

impl Cause {
    /// The first and the last, for ranges over the table of restrictions.
    pub(crate) const ALL: std::ops::RangeInclusive<Self> = Self::Disabled..=Self::Network;

    /// Whether only an operator or a definition sets and lifts it; no report, success or `clear` does.
    #[must_use]
    pub fn is_ours(self) -> bool {
        matches!(self, Self::Disabled | Self::NoSecret)
    }

    /// Whether it is about the secret itself, and so ends when the secret changes.
    #[must_use]
    pub fn is_about_the_secret(self) -> bool {
        matches!(self, Self::Auth | Self::Dead | Self::NoSecret)
    }

    /// Whether it mostly passes by itself, and soon.
    #[must_use]
    pub fn passes(self) -> bool {
        matches!(self, Self::RateLimit | Self::Overloaded | Self::Server | Self::Edge | Self::Network)
    }

    /// The state that a credential under it is in.
    #[must_use]
    pub fn state(self) -> State {
        match self {
            Self::Disabled => State::Disabled,
            Self::NoSecret => State::NoSecret,
            Self::Dead => State::NeedsLogin,
            Self::Billing => State::Billing,
            _ => State::Cooling,
        }
    }
}

/// What a failure was judged to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Kind {
    /// It restricts, for this cause.
    Fault(Cause),
    /// The request was at fault.
    Request,
    /// The caller gave up.
    Cancelled,
    /// Nobody knows; never a reason to restrict.
    Unknown,
}

/// The state of a credential for requests that name no model, in order of precedence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum State {
    /// By an operator.
    Disabled,
    /// The definition cannot be resolved here.
    NoSecret,
    /// The provider says that the secret is void for good.
    NeedsLogin,
    /// Out of credit.
    Billing,
    /// Until a known instant.
    Cooling,
    /// As many leases are out as may see whether it has recovered.
    Probing,
    /// Usable.
    Ready,
}
