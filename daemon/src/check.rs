//! `credpoold --check`: what would be served, without serving it.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Instant;

use crate::access::Access;
use crate::config::Config;
use crate::definitions::{LoadOutcome, Loader, Row};
use crate::startup::Exit;

/// Prints what `config` would serve, and what is wrong with it. The exit code is 0 if the files can be read, even if
/// single rows are bad.
pub(crate) fn check(config: &Config) -> ExitCode {
    if let Err(error) = Access::resolve(&config.access.users, &config.access.groups, &config.access.admins) {
        // Whoever closes standard error does not want to know.
        let _ = writeln!(io::stderr(), "credpoold: {error}");
        return (Exit::Config as u8).into();
    }
    let outcome = Loader::new(config.clone(), Box::new(|name| std::env::var(name).ok())).load(Instant::now());
    // Whoever closes standard output does not want to know.
    let _ = print(&mut io::stdout().lock(), config, &outcome);
    if outcome.ok { ExitCode::SUCCESS } else { (Exit::Config as u8).into() }
}

fn print(out: &mut impl Write, config: &Config, outcome: &LoadOutcome) -> io::Result<()> {
    match &config.file {
        Some(file) => writeln!(out, "configuration: {} (if it is there)", file.display())?,
        None => writeln!(out, "configuration: none")?,
    }
    writeln!(out, "auth_file: {}", config.auth_file.display())?;
    for (name, pool) in &outcome.definitions.pools {
        let policy = config.policy(name, pool.strategy);
        let cap = if policy.cap.hard { "hard" } else { "soft" };
        let (strategy, most) = (crate::engine::strategy_name(policy.strategy), policy.cap.max_in_flight);
        writeln!(out, "\n{name}: {} credentials, {strategy}, {cap} cap of {most}", pool.credentials.len())?;
        for (at, credential) in pool.credentials.iter().enumerate() {
            let row = &pool.rows[credential.row];
            writeln!(
                out,
                "  {:<16} {:<24} {:<8} {:<28} {}",
                pool.called(at),
                row.label,
                row.auth_type.as_str(),
                row.source,
                secret(row)
            )?;
        }
        if outcome.definitions.homes.len() > 1 {
            for list in &pool.lists {
                let members: Vec<_> = list.rows.iter().map(|row| pool.called(pool.credential_of(*row))).collect();
                let strategy = crate::engine::strategy_name(config.policy(name, list.strategy).strategy);
                writeln!(out, "  {}: {strategy}, {}", list.profiles.join(", "), members.join(", "))?;
            }
        }
    }
    if outcome.definitions.pools.is_empty() {
        writeln!(out, "\nno pool would be served")?;
    }
    for (pool, warning) in outcome.definitions.warnings() {
        writeln!(out, "\nwarning: {pool}: {warning}")?;
    }
    for problem in &outcome.problems {
        writeln!(out, "\nproblem: {}: {}", problem.place, problem.problem)?;
    }
    Ok(())
}

fn secret(row: &Row) -> String {
    match (&row.secret, &row.fingerprint, &row.unresolved) {
        (Some(_), Some(fingerprint), _) => fingerprint.clone(),
        (_, _, Some(reason)) => format!("no secret: {reason}"),
        _ => "no secret".to_owned(),
    }
}
