//! The terminal that this process is controlled by, if it is by any.

use std::fs::File;

use nix::unistd::{getpgrp, tcgetpgrp};

/// Whether our process group is the one that has the terminal.
pub(super) fn is_ours() -> bool {
    File::open("/dev/tty").ok().and_then(|terminal| tcgetpgrp(terminal).ok()) == Some(getpgrp())
}
