//! `credpool`: the daemon's command line. What it takes is in `args`, what it does in `commands`, what
//! it prints in `render`.

use std::process::ExitCode;

mod args;
mod commands;
mod exit;
mod failed;
mod output;
mod render;
mod session;

fn main() -> ExitCode {
    let args = args::parse();
    let mut output = output::Output::new(args.global.color, args.global.json);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(commands::run(args, &mut output)),
        Err(error) => Err(failed::Failed::Io(error)),
    };
    match outcome {
        Ok(()) => exit::Exit::Ok.into(),
        Err(failed) => {
            output.complain(&failed.sentence());
            failed.exit().into()
        }
    }
}
