//! A disk that does what the least of disks may do: it forgets what was not synced, all of it or some, and fails when told.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use super::super::disk::Disk;

/// What happens at a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The machine stops: nothing is done any more.
    Crash,
    /// The step is not done, and says so.
    Fail,
    /// The step is done, a write only by half, and says that it was not.
    Tear,
}

/// How much of what was written and not synced is there after a crash.
#[derive(Clone, Copy, Debug)]
pub(super) enum Left {
    Nothing,
    All,
    Half,
    /// As much room as it took, but not what was in it.
    Zeros,
}

pub(super) const LEFT: [Left; 4] = [Left::Nothing, Left::All, Left::Half, Left::Zeros];

#[derive(Clone, Default)]
pub(super) struct Scripted(Rc<RefCell<Platter>>);

#[derive(Clone, Default)]
struct Platter {
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    /// The names that are on the disk for sure, and what was done to them since.
    synced: BTreeMap<String, usize>,
    unsynced: Vec<Naming>,
    steps: usize,
    faults: Vec<(usize, Fault)>,
    crashed: bool,
    /// Whether it says that it has synced, and has not.
    lies: bool,
}

#[derive(Clone, Default)]
struct Content {
    bytes: Vec<u8>,
    synced: usize,
}

#[derive(Clone)]
enum Naming {
    Create(String, usize),
    Rename(String, String, usize),
    Remove(String),
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Create(name, file) => {
                names.insert(name.clone(), *file);
            }
            Self::Rename(from, to, file) => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
            Self::Remove(name) => {
                names.remove(name);
            }
        }
    }
}

impl Scripted {
    pub(super) fn with(faults: &[(usize, Fault)]) -> Self {
        let scripted = Self::default();
        scripted.0.borrow_mut().faults = faults.to_vec();
        scripted
    }

    pub(super) fn that_lies() -> Self {
        let scripted = Self::default();
        scripted.0.borrow_mut().lies = true;
        scripted
    }

    pub(super) fn steps(&self) -> usize {
        self.0.borrow().steps
    }

    pub(super) fn has_crashed(&self) -> bool {
        self.0.borrow().crashed
    }

    pub(super) fn names_now(&self) -> Vec<String> {
        self.0.borrow().names.keys().cloned().collect()
    }

    pub(super) fn put(&self, name: &str, bytes: &[u8]) {
        let mut disk = self.clone();
        let mut file = disk.create(name).expect("it is new");
        disk.write(&mut file, bytes).expect("it is sound");
    }

    pub(super) fn bytes(&self, name: &str) -> Vec<u8> {
        self.clone().read(name).expect("it is sound").expect("it is there")
    }

    /// Every disk that may be found after the machine has stopped now.
    pub(super) fn after_a_crash(&self) -> Vec<Self> {
        let platter = self.0.borrow();
        let orders = 0..1_u32 << platter.unsynced.len().min(6);
        let mut found = Vec::new();
        for (chosen, left) in orders.flat_map(|chosen| LEFT.map(|left| (chosen, left))) {
            let mut names = platter.synced.clone();
            let namings = platter.unsynced.iter().enumerate();
            namings.filter(|(at, _)| chosen & 1 << at != 0).for_each(|(_, naming)| naming.apply(&mut names));
            let files: Vec<Content> = platter.files.iter().map(|file| file.left(left)).collect();
            let platter = Platter { files, synced: names.clone(), names, ..Platter::default() };
            found.push(Self(Rc::new(RefCell::new(platter))));
        }
        found
    }

    /// Counts a step, and says how much of it is to be done.
    fn step(&self) -> io::Result<Option<Fault>> {
        let mut platter = self.0.borrow_mut();
        if platter.crashed {
            return Err(io::Error::other("the machine has stopped"));
        }
        platter.steps += 1;
        let fault = platter.faults.iter().find(|(step, _)| *step == platter.steps).map(|(_, fault)| *fault);
        match fault {
            Some(Fault::Crash) => {
                platter.crashed = true;
                Err(io::Error::other("the machine has stopped"))
            }
            Some(Fault::Fail) => Err(io::Error::other("input/output error")),
            Some(Fault::Tear) | None => Ok(fault),
        }
    }

    fn name(&self, naming: Naming) -> io::Result<()> {
        let fault = self.step()?;
        let mut platter = self.0.borrow_mut();
        naming.apply(&mut platter.names);
        platter.unsynced.push(naming);
        fault.map_or(Ok(()), |_| Err(io::Error::other("input/output error")))
    }
}

impl Content {
    fn left(&self, left: Left) -> Self {
        let mut bytes = self.bytes[..self.synced].to_vec();
        let unsynced = &self.bytes[self.synced..];
        match left {
            Left::Nothing => {}
            Left::All => bytes.extend_from_slice(unsynced),
            Left::Half => bytes.extend_from_slice(&unsynced[..unsynced.len() / 2]),
            Left::Zeros => bytes.resize(self.bytes.len(), 0),
        }
        Self { synced: bytes.len(), bytes }
    }
}

impl Disk for Scripted {
    type File = usize;

    fn prepare(&mut self, _name: &str) -> io::Result<()> {
        self.step().map(|_| ())
    }

    fn names(&mut self) -> io::Result<Vec<String>> {
        Ok(self.names_now())
    }

    fn read(&mut self, name: &str) -> io::Result<Option<Vec<u8>>> {
        let platter = self.0.borrow();
        Ok(platter.names.get(name).map(|file| platter.files[*file].bytes.clone()))
    }

    fn create(&mut self, name: &str) -> io::Result<usize> {
        if self.0.borrow().names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = self.0.borrow().files.len();
        self.0.borrow_mut().files.push(Content::default());
        self.name(Naming::Create(name.to_owned(), file)).map(|()| file)
    }

    fn write(&mut self, file: &mut usize, bytes: &[u8]) -> io::Result<()> {
        let fault = self.step()?;
        let most = if fault.is_some() { bytes.len() / 2 } else { bytes.len() };
        self.0.borrow_mut().files[*file].bytes.extend_from_slice(&bytes[..most]);
        fault.map_or(Ok(()), |_| Err(io::Error::other("no space left on device")))
    }

    fn sync(&mut self, file: &mut usize) -> io::Result<()> {
        let fault = self.step()?;
        let mut platter = self.0.borrow_mut();
        if !platter.lies && fault.is_none() {
            let content = &mut platter.files[*file];
            content.synced = content.bytes.len();
        }
        fault.map_or(Ok(()), |_| Err(io::Error::other("input/output error")))
    }

    fn rename(&mut self, from: &str, to: &str) -> io::Result<()> {
        let file = self.0.borrow().names.get(from).copied().ok_or(io::ErrorKind::NotFound)?;
        self.name(Naming::Rename(from.to_owned(), to.to_owned(), file))
    }

    fn remove(&mut self, name: &str) -> io::Result<()> {
        if !self.0.borrow().names.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.name(Naming::Remove(name.to_owned()))
    }

    fn sync_names(&mut self) -> io::Result<()> {
        let fault = self.step()?;
        let mut platter = self.0.borrow_mut();
        if !platter.lies && fault.is_none() {
            platter.synced = platter.names.clone();
            platter.unsynced.clear();
        }
        fault.map_or(Ok(()), |_| Err(io::Error::other("input/output error")))
    }
}
