//! The homes that share a root, as one daemon serves them: the root's and those of its profiles.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use credpool_proto::limits::Limits;

use super::home::Home;
use super::path::{Place, ROOT_PROFILE, is_profile};
use super::snapshot::Problem;
use super::store::Store;
use crate::config::Config;

/// The most profiles that are served, besides the root's and the one that the daemon was started for. Hermes knows no
/// limit; this one bounds what is watched and read.
const MAX_PROFILES: usize = 256;

/// The homes by profile.
pub(super) struct Homes {
    place: Place,
    /// The user's home folder.
    user: Option<PathBuf>,
    homes: BTreeMap<Arc<str>, Home>,
    /// Whether the folder of profiles could ever be listed.
    listed: bool,
}

impl Homes {
    /// The homes around that of the configured auth.json; none of them is read yet.
    pub(super) fn new(config: &Config) -> Self {
        let (place, user) = (config.place.clone(), config.home.clone());
        let home = |auth_file| Home::new(auth_file, user.as_deref());
        let root = (ROOT_PROFILE.into(), home(config.root_auth_file()));
        let main = (place.profile.as_str().into(), home(config.auth_file.clone()));
        Self { homes: [root, main].into(), place, user, listed: false }
    }

    /// The files and folders to watch. They need not exist.
    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.homes.values().flat_map(Home::files).chain([self.place.profiles()])
    }

    /// Looks for homes that came or went, and reads them all.
    ///
    /// Whether everything could be read, or never was there.
    pub(super) fn read(&mut self, limits: &Limits, now: Instant, problems: &mut Vec<Problem>) -> bool {
        let mut ok = self.find(problems);
        // Away while the others are read, which want to know what it has.
        let mut root = self.homes.remove(ROOT_PROFILE);
        ok &= root.as_mut().is_none_or(|root| root.read(limits, now, None, problems));
        for (profile, home) in &mut self.homes {
            let before = problems.len();
            ok &= home.read(limits, now, root.as_ref().and_then(Home::store), problems);
            let own = problems.split_off(before).into_iter().map(|problem| problem.of(profile));
            problems.extend(own);
        }
        self.homes.extend(root.map(|root| (ROOT_PROFILE.into(), root)));
        ok
    }

    /// The one that the daemon was started for.
    pub(super) fn main(&self) -> &Home {
        // It is put there first and never taken away.
        &self.homes[&*self.place.profile]
    }

    pub(super) fn home(&self, profile: &str) -> Option<&Home> {
        self.homes.get(profile)
    }

    /// All of them, the root's first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Home)> {
        let is_root = |(profile, _): &(&Arc<str>, &Home)| &***profile == ROOT_PROFILE;
        self.homes.iter().filter(is_root).chain(self.homes.iter().filter(move |home| !is_root(home)))
    }

    /// What the root's auth.json held, for the home of a profile; nothing for the root itself.
    pub(super) fn root_of(&self, profile: &str) -> Option<&Store> {
        self.home(ROOT_PROFILE).filter(|_| profile != ROOT_PROFILE)?.store()
    }

    /// Takes on the homes of profiles that came, and lets go those of profiles that went. While the folder of profiles
    /// cannot be listed, or is gone, they stay.
    fn find(&mut self, problems: &mut Vec<Problem>) -> bool {
        let folder = self.place.profiles();
        let place = folder.display().to_string();
        let (found, more) = match find_profiles(&folder) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !self.listed => return true,
            Err(error) => {
                let kept = "; the profiles that it held are still served";
                problems.push(Problem::new(place, format!("cannot be listed: {error}{kept}")));
                return false;
            }
        };
        self.listed = true;
        if more {
            problems.push(Problem::new(
                place,
                format!("holds more than {MAX_PROFILES} profiles; the others are not served"),
            ));
        }
        let (root, main) = (ROOT_PROFILE, self.place.profile.clone());
        self.homes.retain(|profile, _| **profile == *root || **profile == *main || found.contains_key(profile));
        for (profile, folder) in found {
            self.homes.entry(profile).or_insert_with(|| Home::new(folder.join("auth.json"), self.user.as_deref()));
        }
        true
    }
}

/// The profiles in a folder, the first by name, and whether there are more.
fn find_profiles(folder: &Path) -> io::Result<(BTreeMap<Arc<str>, PathBuf>, bool)> {
    let mut found = BTreeMap::new();
    let mut more = false;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str().filter(|name| is_profile(name)) else { continue };
        if entry.path().is_dir() {
            found.insert(name.into(), entry.path());
        }
        if found.len() > MAX_PROFILES {
            found.pop_last();
            more = true;
        }
    }
    Ok((found, more))
}

#[cfg(test)]
mod tests;
