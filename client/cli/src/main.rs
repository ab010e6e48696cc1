//! `credpool`: the daemon's command line. What it takes is in `args`, what it does in `commands`, what
//! it prints in `render`.

use std::process::ExitCode;

mod args;
mod auth;
mod commands;
mod exit;
mod failed;
mod given;
mod hold;
mod output;
mod program;
mod render;
mod secret;
mod session;
mod top;

fn main() -> ExitCode {
    if let Some(code) = program::start::if_asked() {
        return code;
    }
    keep_from_core_dumps();
    let args = args::parse();
    let mut output = output::Output::new(args.global.color, args.global.json);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(commands::run(args, &mut output)),
        Err(error) => Err(failed::Failed::Io(error)),
    };
    match outcome {
        Ok(code) => code,
        Err(failed) => {
            output.complain(&failed.sentence());
            failed.exit().into()
        }
    }
}

/// Secrets pass through this process. Programs that it starts are not concerned.
fn keep_from_core_dumps() {
    // Where a system has no such thing, we are no worse off than any other program.
    let _ = nix::sys::prctl::set_dumpable(false);
}
