//! Rounds of daemon and echo in turn, and what follows from them.

use std::fmt;
use std::io;
use std::process::Command;

use crate::load;
use crate::server::Server;

/// How often everything is measured.
pub(crate) const ROUNDS: usize = 7;

/// What was found out about a pool of one size.
pub(crate) struct Figures {
    /// The median time of a lease for one client, in microseconds.
    pub(crate) latency_us: f64,
    /// The same, in times of the echo's.
    pub(crate) latency: Ratio,
    /// Leases per second over 64 connections.
    pub(crate) throughput: f64,
    /// The same, in times of the echo's.
    pub(crate) throughput_ratio: Ratio,
}

/// The median of all rounds, between the lowest and the highest.
pub(crate) struct Ratio {
    lowest: f64,
    median: f64,
    highest: f64,
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} × ({:.2} to {:.2})", self.median, self.lowest, self.highest)
    }
}

/// What one run of the load found.
struct Load {
    per_second: f64,
    median_ns: f64,
}

/// Measures the daemon with this many credentials.
pub(crate) fn pool_of(credentials: usize) -> io::Result<Figures> {
    let folder = tempfile::tempdir()?;
    let daemon = Server::daemon(folder.path(), credentials)?;
    let echo = Server::echo_of(&daemon, folder.path())?;
    let mut rounds = [const { Vec::new() }; 4];
    for _ in 0..ROUNDS {
        let (echo_alone, alone) = (load(&echo, 1)?, load(&daemon, 1)?);
        let (echo_many, many) = (load(&echo, 64)?, load(&daemon, 64)?);
        rounds[0].push(alone.median_ns / 1000.0);
        rounds[1].push(alone.median_ns / echo_alone.median_ns);
        rounds[2].push(many.per_second);
        rounds[3].push(many.per_second / echo_many.per_second);
    }
    let [latency_us, latency, throughput, throughput_ratio] = rounds.map(ratio);
    Ok(Figures { latency_us: latency_us.median, latency, throughput: throughput.median, throughput_ratio })
}

fn ratio(mut rounds: Vec<f64>) -> Ratio {
    rounds.sort_by(f64::total_cmp);
    Ratio { lowest: rounds[0], median: rounds[rounds.len() / 2], highest: rounds[rounds.len() - 1] }
}

fn load(server: &Server, connections: usize) -> io::Result<Load> {
    let output = Command::new(std::env::current_exe()?)
        .arg(load::MODE)
        .arg(server.socket())
        .arg(connections.to_string())
        .stderr(std::process::Stdio::inherit())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.split_whitespace().map_while(|number| number.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(per_second), Some(median_ns)) => Ok(Load { per_second, median_ns }),
        _ => Err(io::Error::other(format!("the load ended with {}", output.status))),
    }
}
