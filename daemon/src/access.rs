//! Who may connect, and who may act as an operator: by the kernel's word about the peer, and nothing else.

use std::collections::BTreeSet;
use std::ffi::CString;

use nix::unistd::{Gid, Group, Uid, User, getgrouplist};

use crate::socket::Rights;

/// The users that the config lets in, as numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    own: u32,
    users: BTreeSet<u32>,
    groups: BTreeSet<u32>,
    admins: Option<BTreeSet<u32>>,
}

/// A peer, as SO_PEERCRED (unix(7)) has it: who it was when it connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The effective uid.
    pub uid: u32,
    /// The effective gid, where the system tells it.
    pub gid: Option<u32>,
    /// The process; `None` where it has no number in the daemon's own process namespace.
    pub pid: Option<u32>,
}

/// A name in `[access]` that this machine does not know.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AccessError {
    /// No such user.
    #[error("access: there is no user named {0:?} on this machine")]
    UnknownUser(String),
    /// No such group.
    #[error("access: there is no group named {0:?} on this machine")]
    UnknownGroup(String),
}

impl Access {
    /// Looks up the names of the config; a name of digits is a number.
    ///
    /// # Errors
    /// A name that this machine does not know.
    pub fn resolve(users: &[String], groups: &[String], admins: &[String]) -> Result<Self, AccessError> {
        let uids = |names: &[String]| names.iter().map(|name| uid_of(name)).collect::<Result<BTreeSet<u32>, _>>();
        Ok(Self {
            own: nix::unistd::geteuid().as_raw(),
            users: uids(users)?,
            groups: groups.iter().map(|name| gid_of(name)).collect::<Result<_, _>>()?,
            admins: if admins.is_empty() { None } else { Some(uids(admins)?) },
        })
    }

    /// The file system's rights that let these users reach the socket at all.
    #[must_use]
    pub fn rights(&self) -> Rights {
        let others = self.users.iter().any(|uid| *uid != self.own && *uid != 0);
        match (others, self.groups.len(), self.groups.first()) {
            (false, 0, _) => Rights::Owner,
            (false, 1, Some(group)) => Rights::Group(*group),
            _ => Rights::World,
        }
    }

    /// Whether `peer` may connect: the daemon's own user, root, or whom the config names.
    #[must_use]
    pub fn admits(&self, peer: Peer) -> bool {
        peer.uid == self.own || peer.uid == 0 || self.users.contains(&peer.uid) || self.is_in_group(peer)
    }

    /// Whether `peer` may clear, disable, enable, reload, and report without a lease: whom the config names as admins,
    /// and root; whoever may connect where it names none.
    #[must_use]
    pub fn is_admin(&self, peer: Peer) -> bool {
        peer.uid == 0 || self.admins.as_ref().is_none_or(|admins| admins.contains(&peer.uid))
    }

    fn is_in_group(&self, peer: Peer) -> bool {
        if self.groups.is_empty() {
            return false;
        }
        if peer.gid.is_some_and(|gid| self.groups.contains(&gid)) {
            return true;
        }
        let Ok(Some(user)) = User::from_uid(Uid::from_raw(peer.uid)) else { return false };
        let Ok(name) = CString::new(user.name) else { return false };
        let groups: Vec<Gid> = getgrouplist(&name, user.gid).unwrap_or_default();
        groups.iter().any(|gid| self.groups.contains(&gid.as_raw()))
    }
}

fn uid_of(name: &str) -> Result<u32, AccessError> {
    if let Ok(uid) = name.parse() {
        return Ok(uid);
    }
    match User::from_name(name) {
        Ok(Some(user)) => Ok(user.uid.as_raw()),
        _ => Err(AccessError::UnknownUser(name.to_owned())),
    }
}

fn gid_of(name: &str) -> Result<u32, AccessError> {
    if let Ok(gid) = name.parse() {
        return Ok(gid);
    }
    match Group::from_name(name) {
        Ok(Some(group)) => Ok(group.gid.as_raw()),
        _ => Err(AccessError::UnknownGroup(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn without_a_config_only_the_own_user_and_root_come_in() {
        let access = Access::resolve(&[], &[], &[]).unwrap();
        let own = nix::unistd::geteuid().as_raw();
        assert!(access.admits(Peer { uid: own, gid: None, pid: None }));
        assert!(access.admits(Peer { uid: 0, gid: None, pid: None }));
        assert!(!access.admits(Peer { uid: 54_321, gid: Some(0), pid: None }));
        assert!(access.is_admin(Peer { uid: own, gid: None, pid: None }));
        assert_eq!(access.rights(), Rights::Owner);
    }

    #[test]
    fn named_users_and_groups_come_in_and_the_socket_lets_them() {
        let access = Access::resolve(&names(&["54321"]), &names(&["777"]), &names(&["54321"])).unwrap();
        assert!(access.admits(Peer { uid: 54_321, gid: None, pid: None }));
        assert!(access.admits(Peer { uid: 1, gid: Some(777), pid: None }));
        assert!(!access.admits(Peer { uid: 1, gid: Some(778), pid: None }));
        assert!(access.is_admin(Peer { uid: 54_321, gid: None, pid: None }));
        assert!(!access.is_admin(Peer { uid: 1, gid: Some(777), pid: None }));
        assert_eq!(access.rights(), Rights::World);
        assert_eq!(Access::resolve(&[], &names(&["777"]), &[]).unwrap().rights(), Rights::Group(777));
    }

    #[test]
    fn unknown_names_are_errors() {
        let error = Access::resolve(&names(&["no-such-user-here"]), &[], &[]).unwrap_err();
        assert_eq!(error, AccessError::UnknownUser("no-such-user-here".to_owned()));
        assert!(Access::resolve(&[], &names(&["no-such-group-here"]), &[]).is_err());
    }
}
