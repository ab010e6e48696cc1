//! Which rows somebody wants to see.

use credpool_client::proto::history::Entry;
use credpool_client::proto::status::{CredentialStatus, Holder, LeaseOut, Waiter};

/// A text that rows have to have somewhere, whatever its case.
#[derive(Default)]
pub(in crate::top) struct Filter(String);

impl Filter {
    pub(in crate::top) fn as_str(&self) -> &str {
        &self.0
    }

    pub(in crate::top) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn push(&mut self, c: char) {
        self.0.push(c);
    }

    pub(super) fn pop(&mut self) {
        self.0.pop();
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    pub(super) fn has_credential(&self, credential: &CredentialStatus<'_>) -> bool {
        let kind = credential.cause.as_ref().map(|cause| &*cause.kind);
        self.has([Some(&*credential.label), Some(&credential.id), Some(credential.state.as_str()), kind])
    }

    pub(super) fn has_lease(&self, lease: &LeaseOut<'_>, label: &str) -> bool {
        self.has([Some(label), Some(&lease.credential), lease.model.as_deref()])
            || self.has_holder(lease.holder.as_ref())
    }

    pub(super) fn has_waiter(&self, waiter: &Waiter<'_>) -> bool {
        self.has([waiter.model.as_deref(), Some(waiter.class.as_str())]) || self.has_holder(waiter.holder.as_ref())
    }

    pub(super) fn has_entry(&self, entry: &Entry<'_>) -> bool {
        let name = entry.credential.as_ref();
        let (id, label) = (name.map(|name| &*name.id), name.map(|name| &*name.label));
        self.has([id, label, entry.model.as_deref(), entry.kind.as_deref(), Some(entry.event.as_str())])
    }

    fn has_holder(&self, holder: Option<&Holder<'_>>) -> bool {
        let pid = holder.and_then(|holder| holder.pid).map(|pid| pid.to_string());
        self.has([holder.and_then(|holder| holder.client.as_deref()), pid.as_deref()])
    }

    fn has<'a>(&self, texts: impl IntoIterator<Item = Option<&'a str>>) -> bool {
        let wanted = self.0.to_lowercase();
        wanted.is_empty() || texts.into_iter().flatten().any(|text| text.to_lowercase().contains(&wanted))
    }
}
