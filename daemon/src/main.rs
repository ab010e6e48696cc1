//! `credpoold`: a shell around [`credpool_daemon`]. It finds the configuration, the locks, the socket and the signals,
//! and hands them to `run`.

use std::process::ExitCode;

use credpool_daemon::config::Cli;
use credpool_daemon::startup;

fn main() -> ExitCode {
    match Cli::parse_from(std::env::args_os()) {
        Ok(cli) => startup::start(&cli),
        // Help and version come this way too, with an exit code of 0.
        Err(error) => {
            let code = if error.use_stderr() { startup::Exit::Config as u8 } else { 0 };
            // There is nobody to tell that standard error is closed.
            let _ = error.print();
            code.into()
        }
    }
}
