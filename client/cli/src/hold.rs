//! A lease that is held for as long as a program needs it, whatever becomes of the daemon.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use credpool_client::proto::words::EndedBy;
use credpool_client::{AcquireRequest, Client, Lease, Loss, Outcome, ReleaseRequest};
use tokio::time::sleep;

use crate::output::Output;
use crate::render::clean;

/// The pause after the first vain attempt to lease again. Each further one is twice as long, up to
/// [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// How often it is looked whether the program's secret is still the credential's.
const LOOK: Duration = Duration::from_secs(60);

/// Somebody who holds a lease.
pub(crate) struct Hold<'a> {
    /// `None` while there is none.
    lease: Option<Lease>,
    client: Client,
    /// How to ask for the same credential.
    again: AcquireRequest,
    /// Of the secret that the program has.
    fingerprint: Option<String>,
    /// Whether it has been said that the credential has another one.
    told: bool,
    label: String,
    output: &'a mut Output,
}

impl<'a> Hold<'a> {
    /// Holds `lease`, which `request` got from `client`.
    pub(crate) fn new(lease: Lease, client: Client, request: AcquireRequest, output: &'a mut Output) -> Self {
        let credential = lease.credential();
        Self {
            // The program has this credential's secret, so no other will do.
            again: request.credential(&*credential.id),
            fingerprint: credential.fingerprint.as_deref().map(str::to_owned),
            told: false,
            label: clean(&credential.label).into_owned(),
            lease: Some(lease.keep_alive()),
            client,
            output,
        }
    }

    /// Renews the lease in time, and leases the same credential again where the lease was lost. Says once if the
    /// credential gets another secret meanwhile.
    ///
    /// # Cancel safety
    ///
    /// Safe.
    pub(crate) async fn keep(&mut self) -> Infallible {
        while let Some(lease) = &self.lease {
            let loss = tokio::select! {
                loss = lease.lost() => loss,
                () = lease.replaced(), if !self.told => {
                    self.tell_replaced();
                    continue;
                }
                () = sleep(LOOK), if !self.told => {
                    // It tells what `replaced` waits for; what goes wrong shows in time as a loss.
                    let _ = lease.renew(None).await;
                    continue;
                }
            };
            let id = lease.id().to_owned();
            self.lease = None;
            if let Some(by) = self.ended_by(loss, id).await {
                self.output.warn(&format!(
                    "the lease of {} was ended ({by}): others may get the key that the program still has",
                    self.label,
                ));
                break;
            }
            self.output.warn(&format!("{loss}; the program goes on with the key of {}", self.label));
            self.lease = self.lease_again().await;
        }
        pending().await
    }

    /// The lease that is held now.
    pub(crate) fn into_lease(self) -> Option<Lease> {
        self.lease
    }

    /// Who ended the lease, if it was somebody who knew its id.
    async fn ended_by(&self, loss: Loss, id: String) -> Option<EndedBy> {
        if !matches!(loss, Loss::Unknown) {
            return None;
        }
        // Ending it again changes nothing, and tells.
        let released = self.client.release(ReleaseRequest::new(id, Outcome::Unknown)).await.ok()?;
        released.ended_by.filter(|by| matches!(by, EndedBy::Report | EndedBy::Release))
    }

    fn tell_replaced(&mut self) {
        self.told = true;
        self.output.warn(&format!(
            "the key of {} was replaced or removed; the program still has the old one: start it again",
            self.label,
        ));
    }

    /// Tries to lease the same credential until that works; `None` if it would be of no use, since the
    /// credential has another secret by now.
    async fn lease_again(&mut self) -> Option<Lease> {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.client.acquire(self.again.clone()).await {
                Ok(lease) if lease.credential().fingerprint.as_deref() == self.fingerprint.as_deref() => {
                    self.output.warn(&format!("{} is leased again", self.label));
                    return Some(lease.keep_alive());
                }
                Ok(_) => {
                    if !self.told {
                        self.tell_replaced();
                    }
                    return None;
                }
                Err(_) => sleep(pause).await,
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}
