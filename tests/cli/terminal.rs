//! `credpool exec` in a terminal, under a shell with job control.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use nix::pty::openpty;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::running::leases_out;
use crate::support::{AuthJson, Daemon, PATIENCE, eventually, poll};

const EXEC: &str = "credpool exec --pool openrouter --env KEY --";

/// An interactive bash on a terminal of its own.
struct Terminal {
    shell: Child,
    keyboard: File,
    screen: Receiver<Vec<u8>>,
    shown: String,
}

impl Terminal {
    fn open(daemon: &Daemon) -> Self {
        let pty = openpty(None, None).expect("a pseudo-terminal");
        let end = || Stdio::from(pty.slave.try_clone().expect("another handle"));
        // A signal that whoever started the tests ignores (`nohup`, a job in the background) stays ignored in all below.
        let mut command = Command::new("env");
        let bash = ["--default-signal", "setsid", "--ctty", "bash", "--norc", "--noprofile", "-i"];
        daemon.credpool().dress(&mut command).args(bash);
        command.env("PS1", "ready> ").env("TERM", "dumb").stdin(end()).stdout(end()).stderr(end());
        let shell = command.spawn().expect("bash can be started");
        let keyboard = File::from(pty.master);
        let mut reader = keyboard.try_clone().expect("another handle");
        let (sender, screen) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            // When nobody has the terminal open any more, reading it is an error.
            while let Ok(read @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        let mut terminal = Self { shell, keyboard, screen, shown: String::new() };
        terminal.until("ready> ");
        terminal
    }

    fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Types a line. What is typed is shown, so `until` should look for what the line itself does not have.
    fn line(&mut self, line: &str) {
        self.keys(&format!("{line}\n"));
    }

    /// Types a line and waits until `cat` has repeated it. Then it surely runs: a key that is pressed while a shell is
    /// about to start it may be lost, with or without credpool.
    #[track_caller]
    fn through_cat(&mut self, line: &str) {
        self.line(line);
        for _ in 0..2 {
            self.until(&format!("{line}\r\n"));
        }
    }

    /// Waits until this is shown; returns it with what stood before it.
    #[track_caller]
    fn until(&mut self, text: &str) -> String {
        let found = poll(PATIENCE, || {
            for bytes in self.screen.try_iter() {
                self.shown.push_str(&String::from_utf8_lossy(&bytes));
            }
            self.shown.find(text).map(|at| at + text.len())
        });
        let end = found.unwrap_or_else(|| panic!("the terminal never shows {text:?}, but {:?}", self.shown));
        self.shown.drain(..end).collect()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.shell.kill();
        let _ = self.shell.wait();
    }
}

#[test]
fn ctrl_c_ends_both_and_is_seen_by_the_program_once() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut terminal = Terminal::open(&daemon);
    terminal.line(&format!("{EXEC} sh -c 'echo up$((1)); cat'"));
    terminal.until("up1\r\n");
    terminal.through_cat("hello");
    leases_out(&daemon, 1);
    terminal.keys("\x03");
    terminal.until("ready> ");
    terminal.line("echo code $?");
    terminal.until("code 130");
    leases_out(&daemon, 0);

    // Each signal ends `read`, so that none is lost in another. What is passed on keeps its order: had Ctrl-C been
    // passed on, too, it would be seen before the signal that is sent to credpool alone.
    let script = r#"trap "echo int" INT; trap "echo usr" USR1; echo pid$((0))=$PPID.; while ! read x; do :; done"#;
    terminal.line(&format!("{EXEC} sh -c '{script}'"));
    terminal.until("pid0=");
    let credpool = terminal.until(".").trim_end_matches('.').parse().expect("a process id");
    terminal.keys("\x03");
    terminal.until("int\r\n");
    kill(Pid::from_raw(credpool), Signal::SIGUSR1).expect("credpool is ours to signal");
    let between = terminal.until("usr\r\n");
    assert!(!between.contains("int"), "Ctrl-C came twice: {between}");
    terminal.line("");
    terminal.until("ready> ");
    leases_out(&daemon, 0);
}

#[test]
fn ctrl_z_gives_the_shell_back_and_fg_goes_on() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut terminal = Terminal::open(&daemon);
    terminal.line(&format!("{EXEC} sh -c 'echo up$((1)); cat'"));
    terminal.until("up1\r\n");
    terminal.through_cat("hello");
    terminal.keys("\x1a");
    terminal.until("Stopped");
    terminal.until("ready> ");
    leases_out(&daemon, 1);
    terminal.line("fg");
    terminal.until("fg\r\n");
    terminal.through_cat("again");
    terminal.keys("\x04");
    terminal.until("ready> ");
    terminal.line("echo code $?");
    terminal.until("code 0");
    leases_out(&daemon, 0);
}

#[test]
fn a_program_that_stops_itself_gives_the_shell_back() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut terminal = Terminal::open(&daemon);
    terminal.line(&format!("{EXEC} sh -c 'kill -STOP $$; echo back$((1)); exit 3'"));
    terminal.until("Stopped");
    terminal.until("ready> ");
    terminal.line("fg");
    terminal.until("back1");
    terminal.until("ready> ");
    terminal.line("echo code $?");
    terminal.until("code 3");
}

#[test]
fn a_program_in_the_background_stops_when_it_reads() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut terminal = Terminal::open(&daemon);
    terminal.line(&format!("{EXEC} cat &"));
    eventually("the shell says so", || {
        terminal.line("jobs; echo listed$((1))");
        terminal.until("listed1").contains("Stopped").then_some(())
    });
    leases_out(&daemon, 1);
    terminal.line("fg");
    terminal.until("fg\r\n");
    terminal.through_cat("again");
    terminal.keys("\x04");
    terminal.until("ready> ");
    leases_out(&daemon, 0);
}

#[test]
fn a_program_in_a_pipeline_leaves_the_terminal_to_the_others() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut terminal = Terminal::open(&daemon);
    terminal.line(&format!("{EXEC} echo a | (cat; read x </dev/tty; echo got $x)"));
    terminal.until("a\r\n");
    terminal.line("yes");
    terminal.until("got yes");
    terminal.until("ready> ");
    leases_out(&daemon, 0);
}

#[test]
fn a_terminal_that_is_closed_ends_both() {
    let daemon = Daemon::serving(&AuthJson::many(1));
    let mut terminal = Terminal::open(&daemon);
    terminal.line(&format!("{EXEC} sh -c 'echo up$((1)); cat'"));
    terminal.until("up1\r\n");
    terminal.through_cat("hello");
    leases_out(&daemon, 1);
    drop(terminal);
    leases_out(&daemon, 0);
}
