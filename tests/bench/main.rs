//! What a lease costs: acquire and release through the daemon, against a bare echo of the same lines.
//!
//! `cargo bench --bench acquire` prints, for pools of 10, 1,000 and 100,000 credentials,
//! - how long one client needs for a lease, there and back: the median, and its ratio to the echo's (1.0 would be free);
//! - how many leases per second 64 connections get, and the ratio to the echo's (1.0 would be the machine's limit).
//!
//! The echo knows what it will answer before it is asked: a thread for each connection, a blocking read, a prepared
//! reply of the same length. It is what sockets and context switches cost on this machine, and what no daemon can beat by
//! much. The load comes from a second process, the same for both. Server and load share one core, since where the system
//! puts them would otherwise decide more than the code does.
//!
//! How to read it: the microseconds are of this machine and this moment, the ratios travel. Each is the median over rounds
//! in which echo and daemon take turns, so that a slow minute slows both; what is in parentheses is the lowest and the
//! highest round, and a change that stays within it is noise. Going down a column, the cost should hardly grow: nothing
//! in a lease looks at every credential.

mod client;
mod echo;
mod load;
mod measure;
mod server;

use std::io::{self, Write};

use measure::Figures;

const POOLS: [usize; 3] = [10, 1_000, 100_000];

fn main() -> io::Result<()> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        [echo::MODE, socket, acquired, released] => echo::serve(socket, acquired, released),
        [load::MODE, socket, connections] => load::run(socket, connections),
        // `cargo bench` says `--bench`.
        _ => report(),
    }
}

fn report() -> io::Result<()> {
    let mut out = io::stdout();
    writeln!(out, "A lease, there and back (times the bare echo; lowest and highest of {} rounds)\n", measure::ROUNDS)?;
    writeln!(out, "{:>11}   {:<38} {:<38}", "credentials", "1 client, median", "64 connections, in all")?;
    for credentials in POOLS {
        let Figures { latency_us, latency, throughput, throughput_ratio } = measure::pool_of(credentials)?;
        let latency = format!("{latency_us:.1} µs = {latency}");
        let throughput = format!("{:.0} k/s = {throughput_ratio}", throughput / 1000.0);
        writeln!(out, "{credentials:>11}   {latency:<38} {throughput:<38}")?;
    }
    Ok(())
}
