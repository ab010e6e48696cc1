//! An answer, as a line that is wiped when it has been read.

use bytes::BytesMut;
use credpool_proto::error::WireError;
use credpool_proto::words::ErrorCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use zeroize::Zeroize;

use crate::error::Error;
use crate::held::{Held, Keeper};

/// One line from the daemon. It may hold a secret.
pub(crate) struct Answer {
    line: BytesMut,
    lease: Option<Held>,
}

impl Answer {
    pub(super) fn new(line: BytesMut) -> Self {
        Self { line, lease: None }
    }

    /// The id of the request that this answers, if it is one of ours.
    pub(super) fn id(&self) -> Result<Option<u64>, serde_json::Error> {
        #[derive(Deserialize)]
        struct Outline {
            // That of a raw request may be anything.
            id: serde_json::Value,
        }
        let outline: Outline = serde_json::from_slice(&self.line)?;
        Ok(outline.id.as_u64())
    }

    /// Makes the answer responsible for the lease in it: that of an `acquire`, or the next one of a
    /// report.
    pub(super) fn hold_lease(&mut self, keeper: Keeper) {
        #[derive(Deserialize)]
        struct Granted {
            lease: Option<String>,
            next: Option<Next>,
        }
        #[derive(Deserialize)]
        struct Next {
            lease: String,
        }
        // An answer that is neither is the business of whoever reads it.
        let granted: Option<Granted> = serde_json::from_slice(&self.line).ok();
        let lease = granted.and_then(|granted| granted.lease.or(granted.next.map(|next| next.lease)));
        self.lease = lease.map(|lease| Held::new(lease, keeper));
    }

    /// Takes the responsibility over.
    pub(crate) fn take_lease(&mut self) -> Option<Held> {
        self.lease.take()
    }

    /// What the daemon answered, or its refusal.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Error> {
        match self.refusal()? {
            Some(error) => Err(error.into()),
            None => serde_json::from_slice(&self.line).map_err(Error::Malformed),
        }
    }

    /// The daemon's refusal, if that is what it is.
    pub(crate) fn refusal(&self) -> Result<Option<WireError<'static>>, Error> {
        #[derive(Deserialize)]
        struct Verdict {
            ok: bool,
            #[serde(default)]
            error: Option<WireError<'static>>,
        }
        let verdict: Verdict = serde_json::from_slice(&self.line).map_err(Error::Malformed)?;
        Ok(verdict.error.filter(|_| !verdict.ok))
    }

    /// Whether the daemon is shutting down, and has therefore not served the request.
    pub(crate) fn is_draining(&self) -> bool {
        matches!(self.refusal(), Ok(Some(error)) if error.code == ErrorCode::Draining)
    }

    /// The line itself.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.line).into_owned()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.line.as_mut().zeroize();
    }
}
