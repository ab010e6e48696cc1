//! The power fails at any moment, under load: what was acknowledged is on the disk.
//!
//! The daemon runs in a virtual machine (`tests/tools/machine`), whose page cache is lost when its qemu is killed; each
//! serial port is a connection to it. What the guest wrote to its disk is there after the cut: a disk that loses what it
//! said to have flushed is not played. `CREDPOOL_CUTS` says how often that happens, `CREDPOOL_CUTS_SEED` when, and what the
//! workers do meanwhile.

use std::fs::File;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use credpool_core::Rng;
use serde_json::json;
use tempfile::TempDir;

use super::acknowledged::{Believers, Mortal, number};
use crate::support::{AuthJson, Tool, Wire, eventually, need, now_ms};

/// Connections of one life: a worker's each, and one to see what became of the life before.
const PORTS: usize = Believers::COUNT + 1;

/// A machine whose only disk holds the daemon's state.
struct Machine {
    runner: PathBuf,
    folder: TempDir,
    /// What the guest's daemon is started with, as LD_PRELOAD.
    preload: &'static str,
    qemu: Option<Child>,
    wires: Vec<Wire>,
}

impl Machine {
    /// `None` where there is no qemu; then the test has been listed as skipped.
    #[track_caller]
    fn start(preload: &'static str) -> Option<Self> {
        let runner = need(Tool::Machine)?.join("run");
        let folder = tempfile::tempdir().expect("a folder");
        let disk = folder.path().join("root");
        AuthJson::many(Believers::COUNT).write(&disk.join("auth.json"));
        std::fs::write(disk.join("config.toml"), "defaults.cap = 'hard'\nsnapshot.durability = 'sync'\n")
            .expect("room");
        std::fs::DirBuilder::new().mode(0o700).create(disk.join("credpool")).expect("room");
        let mut machine = Self { runner, folder, preload, qemu: None, wires: Vec::new() };
        run(Command::new("mke2fs").args(["-q", "-t", "ext4", "-d"]).arg(&disk).arg(machine.disk()).arg("64M"), &[0]);
        machine.restart();
        Some(machine)
    }

    fn disk(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// What the guest said.
    fn console(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("console")).unwrap_or_default()
    }
}

impl Mortal for Machine {
    fn wires(&mut self, count: usize) -> Vec<Wire> {
        self.wires.drain(..count).collect()
    }

    fn kill(&mut self) {
        if let Some(mut qemu) = self.qemu.take() {
            qemu.kill().expect("the machine is ours to kill");
            qemu.wait().expect("qemu is our child");
        }
    }

    /// Checks the disk, as any machine does after a power cut, and boots.
    fn restart(&mut self) {
        // 1: the journal of the file system was replayed.
        run(Command::new("e2fsck").arg("-p").arg(self.disk()), &[0, 1]);
        let mut qemu = Command::new(&self.runner);
        qemu.arg("-drive").arg(format!("file={},format=raw,if=virtio", self.disk().display()));
        qemu.arg("-append").arg(format!("console=ttyS0 quiet PRELOAD={}", self.preload));
        qemu.args(["-serial", "stdio", "-device", "virtio-serial-pci"]);
        let ports: Vec<PathBuf> = (0..PORTS).map(|port| self.folder.path().join(format!("port-{port}"))).collect();
        for (port, path) in ports.iter().enumerate() {
            // The machine starts once all of them are connected: the guest takes a port without a peer for a closed one.
            qemu.arg("-chardev").arg(format!("socket,id=port-{port},server=on,wait=on,path={}", path.display()));
            qemu.arg("-device").arg(format!("virtserialport,chardev=port-{port}"));
            let _ = std::fs::remove_file(path);
        }
        let console = File::create(self.folder.path().join("console")).expect("room");
        let errors = console.try_clone().expect("another handle");
        qemu.stdin(Stdio::null()).stdout(console).stderr(errors);
        self.qemu = Some(qemu.spawn().expect("qemu can be started"));
        self.wires = ports.iter().map(|path| eventually("qemu listens", || Wire::connect(path).ok())).collect();
        for wire in &mut self.wires {
            wire.send(&json!({"op": "ping"}));
            let answer = wire.try_recv();
            assert!(matches!(&answer, Ok(Some(answer)) if answer["ok"] == true), "{answer:?}: {}", self.console());
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs one of the file system's own tools, which users other than root may not have on their PATH.
#[track_caller]
fn run(command: &mut Command, may_exit_with: &[i32]) {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let output = command.env("PATH", path).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let code = output.status.code().unwrap_or(-1);
    assert!(may_exit_with.contains(&code), "{command:?}: {output:?}");
}

fn cuts() -> u64 {
    number("CREDPOOL_CUTS").unwrap_or(20)
}

#[test]
#[ignore = "tests/run --long powercut: it needs a virtual machine, and minutes"]
fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let seed = number("CREDPOOL_CUTS_SEED").unwrap_or_else(now_ms);
    println!("CREDPOOL_CUTS_SEED={seed} does the same again, as far as the machine does");
    let mut rng = Rng::new(seed);
    let Some(mut machine) = Machine::start("") else { return };
    let mut believers = Believers::new();
    for cut in 1..=cuts() {
        let shown = believers.live(&mut machine, &mut rng);
        let shown = shown.unwrap_or_else(|lost| panic!("cut {cut}: {lost}\n{}", machine.console()));
        println!("cut {cut}: all is there; files set aside: {}", shown["snapshot"]["problems"]);
    }
}

/// That the test above would notice: with a library that has every fsync do nothing, it does.
#[test]
#[ignore = "tests/run --long powercut: it needs a virtual machine, and minutes"]
fn without_fsync_a_power_cut_loses_what_was_acknowledged() {
    let mut rng = Rng::new(now_ms());
    let Some(mut machine) = Machine::start("/bin/libeatmydata.so") else { return };
    let mut believers = Believers::new();
    let lost = (0..cuts()).find_map(|_| believers.live(&mut machine, &mut rng).err());
    println!("{}", lost.expect("nothing was lost, though nothing was synced"));
}
