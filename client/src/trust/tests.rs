//! Whom to trust, and which store is which.

use std::os::unix::fs::symlink;

use serde_json::json;

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

/// What a daemon says that serves this root and these profiles of it. `profile` is the one that it was started
/// for.
fn hello(root: &Path, profiles: &[&str], profile: &str) -> Hello<'static> {
    let store = |profile: &str| match profile {
        "default" => root.join("auth.json"),
        name => root.join("profiles").join(name).join("auth.json"),
    };
    let homes = std::iter::once("default").chain(profiles.iter().copied());
    let homes: Vec<_> = homes.map(|name| json!({"profile": name, "auth_file": store(name)})).collect();
    let hello = json!({
        "protocol": 1, "server": "credpoold/0", "run": "r", "pid": 1, "auth_file": store(profile),
        "profile": profile, "homes": homes,
    });
    serde_json::from_value(hello).unwrap()
}

async fn home(home: impl Into<PathBuf>, hello: &Hello<'_>) -> Result<Option<String>, Why> {
    Store::Home(home.into()).compare(hello).await
}

async fn file(file: impl Into<PathBuf>, hello: &Hello<'_>) -> Result<Option<String>, Why> {
    Store::File(file.into()).compare(hello).await
}

fn named(profile: &str) -> Option<String> {
    Some(profile.to_owned())
}

#[tokio::test]
async fn another_store_is_refused_by_both_names() {
    let (ours, theirs) = (hermes(), hermes());
    let hello = hello(theirs.path(), &["dev"], "default");
    let wanted = ours.path().join("auth.json");
    for compared in [home(ours.path(), &hello).await, file(&wanted, &hello).await] {
        let why = compared.unwrap_err().to_string();
        for path in [&theirs.path().join("auth.json"), &wanted] {
            assert!(why.contains(path.to_str().unwrap()), "{why}");
        }
    }
}

#[tokio::test]
async fn a_daemon_without_a_store_of_hermes_is_no_other() {
    let root = hermes();
    let hello = Hello { auth_file: None, homes: Vec::new(), ..hello(root.path(), &[], "default") };
    assert_eq!(home(root.path(), &hello).await.unwrap(), None);
}

#[tokio::test]
async fn the_same_store_may_be_named_in_several_ways() {
    let root = hermes();
    let link = root.path().join("link");
    symlink(root.path(), &link).unwrap();
    let hello = hello(root.path(), &["dev"], "default");
    for folder in [root.path().to_owned(), root.path().join("profiles/.."), link] {
        assert_eq!(file(folder.join("auth.json"), &hello).await.unwrap(), named("default"));
        assert_eq!(home(folder, &hello).await.unwrap(), named("default"));
    }
}

#[tokio::test]
async fn a_store_that_is_not_there_yet_is_compared_by_name() {
    let root = tempfile::tempdir().unwrap();
    let link = root.path().join("link");
    symlink(root.path(), &link).unwrap();
    let ours = hello(root.path(), &[], "default");
    assert_eq!(home(link, &ours).await.unwrap(), named("default"));
    assert!(home(root.path().join("other"), &ours).await.is_err());
    let nowhere = hello(Path::new("/nowhere/x"), &[], "default");
    assert_eq!(home("/nowhere/x", &nowhere).await.unwrap(), named("default"));
}

#[tokio::test]
async fn a_home_is_named_as_the_daemon_names_it() {
    let root = hermes();
    let dev = root.path().join("profiles/dev");
    let of_root = hello(root.path(), &["dev"], "default");
    assert_eq!(home(&dev, &of_root).await.unwrap(), named("dev"));
    assert_eq!(file(dev.join("auth.json"), &of_root).await.unwrap(), named("dev"));
    // Whichever it means if nothing is said.
    let of_dev = hello(root.path(), &["dev"], "dev");
    assert_eq!(home(&dev, &of_dev).await.unwrap(), named("dev"));
    assert_eq!(home(root.path(), &of_dev).await.unwrap(), named("default"));
    // By a link from elsewhere, or a root that is a link.
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("work");
    symlink(&dev, &link).unwrap();
    assert_eq!(home(link, &of_root).await.unwrap(), named("dev"));
    let link = elsewhere.path().join("root");
    symlink(root.path(), &link).unwrap();
    assert_eq!(home(link.join("profiles/dev"), &of_root).await.unwrap(), named("dev"));
}

#[tokio::test]
async fn a_profile_that_has_just_come_is_one_of_its_root() {
    let root = hermes();
    let hello = hello(root.path(), &[], "default");
    let new = root.path().join("profiles/new");
    assert_eq!(home(&new, &hello).await.unwrap(), named("new"));
    std::fs::create_dir(&new).unwrap();
    assert_eq!(home(&new, &hello).await.unwrap(), named("new"));
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("work");
    symlink(&new, &link).unwrap();
    assert_eq!(home(link, &hello).await.unwrap(), named("new"));
    // Only a daemon that serves the root will see it.
    assert!(home(elsewhere.path().join("profiles/new"), &hello).await.is_err());
    // A file that was named is meant as it is.
    assert!(file(new.join("auth.json"), &hello).await.is_err());
}
