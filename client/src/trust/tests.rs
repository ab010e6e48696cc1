//! Whom to trust, and which store is which.

use std::os::unix::fs::symlink;

use super::*;

const OWN: u32 = 7;

#[test]
fn own_root_and_accepted_daemons_are_trusted_and_no_others() {
    let trusts = |server: &Server, uid| server.check_for(OWN, uid).is_ok();
    for server in [Server::Nobody, Server::Uid(9), Server::named("9"), Server::named("daemon")] {
        assert!(trusts(&server, OWN), "{server:?}");
        assert!(trusts(&server, 0), "{server:?}");
        assert!(!trusts(&server, 54_321), "{server:?}");
    }
    assert!(trusts(&Server::Uid(9), 9));
    assert!(trusts(&Server::named("9"), 9));
    assert!(!trusts(&Server::Nobody, 9));
}

#[test]
fn a_name_is_looked_up_where_it_matters() {
    let daemon = User::from_name("daemon").unwrap().expect("every Unix has this user").uid.as_raw();
    assert!(Server::named("daemon").check_for(OWN, daemon).is_ok());
    let nobody = Server::named("no such user");
    assert!(nobody.check_for(OWN, OWN).is_ok());
    assert!(matches!(nobody.check_for(OWN, 9), Err(Why::NoSuchUser(name)) if name == "no such user"));
}

/// A root with a profile `dev`, each with a store.
fn hermes() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(root.path().join("profiles/dev")).unwrap();
    for store in ["auth.json", "profiles/dev/auth.json"] {
        std::fs::write(root.path().join(store), "{}").unwrap();
    }
    root
}

#[tokio::test]
async fn another_store_is_refused_by_both_names() {
    let (ours, theirs) = (hermes(), hermes());
    let serves = theirs.path().join("auth.json");
    let wanted = ours.path().join("auth.json");
    for store in [Store::Home(ours.path().to_owned()), Store::File(wanted.clone())] {
        let why = store.compare(&serves).await.unwrap_err().to_string();
        for path in [&serves, &wanted] {
            assert!(why.contains(path.to_str().unwrap()), "{why}");
        }
    }
}

#[tokio::test]
async fn the_same_store_may_be_named_in_several_ways() {
    let root = hermes();
    let link = root.path().join("link");
    symlink(root.path(), &link).unwrap();
    let serves = root.path().join("auth.json");
    for home in [root.path().to_owned(), root.path().join("profiles/.."), link] {
        assert_eq!(Store::Home(home.clone()).compare(&serves).await.unwrap(), None);
        assert_eq!(Store::File(home.join("auth.json")).compare(&serves).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_store_that_is_not_there_yet_is_compared_by_name() {
    let root = tempfile::tempdir().unwrap();
    let link = root.path().join("link");
    symlink(root.path(), &link).unwrap();
    let serves = root.path().join("auth.json");
    assert_eq!(Store::Home(link).compare(&serves).await.unwrap(), None);
    assert!(Store::Home(root.path().join("other")).compare(&serves).await.is_err());
    assert_eq!(Store::Home("/nowhere/x".into()).compare(Path::new("/nowhere/x/auth.json")).await.unwrap(), None);
}

#[tokio::test]
async fn a_profile_of_the_served_root_is_served() {
    let root = hermes();
    let serves = root.path().join("auth.json");
    let dev = root.path().join("profiles/dev");
    assert_eq!(Store::Home(dev.clone()).compare(&serves).await.unwrap().as_deref(), Some("dev"));
    // One that has no store yet gets the root's keys, so it is no less a profile.
    let new = root.path().join("profiles/new");
    assert_eq!(Store::Home(new).compare(&serves).await.unwrap().as_deref(), Some("new"));
    // By a link from elsewhere, or a root that is a link.
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("work");
    symlink(&dev, &link).unwrap();
    assert_eq!(Store::Home(link).compare(&serves).await.unwrap().as_deref(), Some("dev"));
    let link = elsewhere.path().join("root");
    symlink(root.path(), &link).unwrap();
    assert_eq!(Store::Home(link.join("profiles/dev")).compare(&serves).await.unwrap().as_deref(), Some("dev"));
}

#[tokio::test]
async fn a_daemon_of_the_profile_alone_is_asked_for_no_profile() {
    let root = hermes();
    let dev = root.path().join("profiles/dev");
    assert_eq!(Store::Home(dev.clone()).compare(&dev.join("auth.json")).await.unwrap(), None);
    // And the root is not in it.
    assert!(Store::Home(root.path().to_owned()).compare(&dev.join("auth.json")).await.is_err());
    // A file that was named is meant as it is.
    assert!(Store::File(dev.join("auth.json")).compare(&root.path().join("auth.json")).await.is_err());
}
