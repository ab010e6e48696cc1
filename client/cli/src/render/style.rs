//! Colours.

use anstyle::{AnsiColor, Style};
use credpool_client::proto::words::CredentialState;

pub(crate) const PLAIN: Style = Style::new();
pub(crate) const STRONG: Style = Style::new().bold();
pub(crate) const FAINT: Style = Style::new().dimmed();
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
pub(crate) const ODD: Style = AnsiColor::Yellow.on_default();
pub(crate) const BAD: Style = AnsiColor::Red.on_default();
const BUSY: Style = AnsiColor::Cyan.on_default();

/// `text` in a style.
pub(crate) fn paint(style: Style, text: impl AsRef<str>) -> String {
    let text = text.as_ref();
    if text.is_empty() { String::new() } else { format!("{style}{text}{style:#}") }
}

/// How a state looks. Its symbol says the same as its colour, for those who can't see the one or the
/// other.
pub(crate) fn of_state(state: CredentialState) -> (char, Style) {
    match state {
        CredentialState::Ready => ('●', GOOD),
        CredentialState::Probing => ('◎', BUSY),
        CredentialState::Cooling => ('◐', ODD),
        CredentialState::Billing => ('$', BAD),
        CredentialState::NeedsLogin => ('✗', BAD),
        CredentialState::NoSecret => ('?', BAD),
        CredentialState::Disabled => ('○', FAINT),
        CredentialState::Other => ('·', PLAIN),
    }
}
