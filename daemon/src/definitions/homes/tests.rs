use std::os::unix::fs::symlink;

use super::*;
use crate::config::Cli;

fn homes(root: &Path) -> Homes {
    homes_of(&root.join("auth.json"))
}

fn homes_of(auth_file: &Path) -> Homes {
    let cli = Cli::parse_from(["credpoold".to_owned(), format!("--auth-file={}", auth_file.display())]);
    let config = Config::load(&cli.expect("a command line"), |_| None, None).expect("a configuration");
    Homes::new(&config)
}

fn read(homes: &mut Homes) -> (bool, Vec<String>, Vec<Problem>) {
    let mut problems = Vec::new();
    let ok = homes.read(&Limits::default(), Instant::now(), &mut problems);
    (ok, homes.iter().map(|(profile, _)| profile.to_string()).collect(), problems)
}

#[test]
fn profiles_are_the_folders_that_hermes_takes_for_profiles() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut homes = homes(folder.path());
    assert_eq!(read(&mut homes), (true, vec!["default".to_owned()], vec![]));
    let profiles = folder.path().join("profiles");
    for name in ["coder", "a", "Coder", ".hidden", "default", "two words"] {
        fs::create_dir_all(profiles.join(name)).expect("a folder");
    }
    fs::write(profiles.join("file"), "").expect("a file");
    symlink(profiles.join("coder"), profiles.join("link")).expect("a link");
    symlink(profiles.join("nowhere"), profiles.join("broken")).expect("a link");
    let expected: Vec<String> = ["default", "a", "coder", "link"].map(str::to_owned).to_vec();
    assert_eq!(read(&mut homes), (true, expected, vec![]));
    assert!(homes.files().any(|file| file == profiles.join("a/auth.json")));
    assert!(homes.files().any(|file| file == profiles), "what comes there has to be noticed");
}

#[test]
fn as_many_are_served_as_the_limit_allows() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut homes = homes(folder.path());
    let make =
        |number: usize| fs::create_dir_all(folder.path().join(format!("profiles/p{number:03}"))).expect("a folder");
    (0..MAX_PROFILES).for_each(make);
    let (ok, served, problems) = read(&mut homes);
    assert_eq!((ok, served.len(), problems), (true, MAX_PROFILES + 1, vec![]));
    make(MAX_PROFILES);
    let (ok, served, problems) = read(&mut homes);
    assert_eq!((ok, served.len(), problems.len()), (true, MAX_PROFILES + 1, 1));
    assert!(!served.contains(&format!("p{MAX_PROFILES:03}")), "the first by name are served");
}

#[test]
fn the_home_of_the_daemon_is_served_though_its_folder_is_not_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let auth_file = folder.path().join("profiles/coder/auth.json");
    let mut homes = homes_of(&auth_file);
    let both = || vec!["default".to_owned(), "coder".to_owned()];
    assert_eq!(read(&mut homes), (true, both(), vec![]));
    fs::create_dir_all(folder.path().join("profiles/other")).expect("a folder");
    assert_eq!(read(&mut homes).1, ["default", "coder", "other"]);
    fs::remove_dir(folder.path().join("profiles/other")).expect("removed");
    assert_eq!(read(&mut homes), (true, both(), vec![]));
    assert_eq!(homes.main().auth_file(), auth_file);
}

#[test]
fn problems_say_whose_they_are() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut homes = homes(folder.path());
    for home in ["", "profiles/coder"] {
        let home = folder.path().join(home);
        fs::create_dir_all(&home).expect("a folder");
        fs::write(home.join("auth.json"), r#"{"credential_pool": {"p": [3]}}"#).expect("a file");
        fs::write(home.join("config.yaml"), ": [").expect("a file");
    }
    let places: Vec<String> = read(&mut homes).2.into_iter().map(|problem| problem.place).collect();
    for place in ["p[0]".to_owned(), "profile coder: p[0]".to_owned()] {
        assert!(places.contains(&place), "{places:?}");
    }
    let path = folder.path().join("profiles/coder/config.yaml").display().to_string();
    assert!(places.contains(&path), "{places:?}");
}
