//! A lease.

use std::fmt::Write as _;

use credpool_client::LeasedCredential;
use credpool_client::proto::reply::Grant;
use secrecy::ExposeSecret as _;

use super::style::{ODD, STRONG, paint};
use super::time::for_people;
use super::{clean, shell, words};

pub(crate) type Granted = Grant<'static, LeasedCredential>;

/// The lease in a few lines; its secret only if `show_secret`.
pub(crate) fn render(grant: &Granted, show_secret: bool, now_ms: u64) -> String {
    let credential = &grant.credential;
    let lasts = for_people(grant.expires_at_ms.saturating_sub(now_ms));
    let mut out = format!(
        "{} ({}) of {}, for {lasts}, chosen by {}\n",
        paint(STRONG, clean(&credential.label)),
        clean(&credential.id),
        clean(&grant.pool),
        words(&clean(&grant.chosen_by)),
    );
    if grant.probe {
        let _ =
            writeln!(out, "{}", paint(ODD, "! it is to find out if the credential has recovered: report what happens"));
    }
    if grant.expired {
        let _ = writeln!(out, "{}", paint(ODD, "! its secret has run out: refresh it before you use it"));
    }
    let header = format!("{}: {}", clean(&credential.auth.header), clean(&credential.auth.prefix));
    let _ = writeln!(out, "  lease     {}", clean(&grant.lease));
    let _ = writeln!(out, "  secret    {}", secret(credential, show_secret));
    let _ = writeln!(out, "  header    {header}…");
    if let Some(url) = &credential.base_url {
        let _ = writeln!(out, "  base URL  {}", clean(url));
    }
    out
}

fn secret(credential: &LeasedCredential, show: bool) -> String {
    let secret_ref = credential.secret_ref.as_ref();
    match (&credential.secret, secret_ref) {
        (Some(secret), _) if show => clean(secret.expose_secret()).into_owned(),
        (Some(_), _) => "hidden; --show-secret or --shell prints it".to_owned(),
        (None, Some(place)) => match (&place.env, &place.config, &place.file) {
            (Some(variable), ..) => format!("in the environment variable {}", clean(variable)),
            (None, Some(entry), _) => format!("in the configuration, as {}", clean(entry)),
            (None, None, Some(file)) => match &place.pointer {
                Some(pointer) => format!("in {}, at {}", clean(file), clean(pointer)),
                None => format!("in {}", clean(file)),
            },
            (None, None, None) => "withheld".to_owned(),
        },
        (None, None) => "withheld".to_owned(),
    }
}

/// The lease as shell variables. The lease's id is exported, so that `credpool release` and others
/// find it; the secret is not, so that only what names it gets it.
pub(crate) fn for_shell(grant: &Granted) -> String {
    let credential = &grant.credential;
    let mut out = format!("export CREDPOOL_LEASE={}\n", shell::quote(&grant.lease));
    let mut set = |name: &str, value: &str| {
        let _ = writeln!(out, "{name}={}", shell::quote(value));
    };
    set("CREDPOOL_POOL", &grant.pool);
    set("CREDPOOL_CREDENTIAL", &credential.id);
    set("CREDPOOL_LABEL", &credential.label);
    set("CREDPOOL_SECRET", credential.secret.as_ref().map_or("", |secret| secret.expose_secret()));
    let variable = credential.secret_ref.as_ref().and_then(|place| place.env.as_deref());
    set("CREDPOOL_SECRET_ENV", variable.unwrap_or_default());
    set("CREDPOOL_AUTH_HEADER", &credential.auth.header);
    set("CREDPOOL_AUTH_PREFIX", &credential.auth.prefix);
    set("CREDPOOL_BASE_URL", credential.base_url.as_deref().unwrap_or_default());
    set("CREDPOOL_EXPIRES_AT_MS", &grant.expires_at_ms.to_string());
    out
}

#[cfg(test)]
mod tests;
