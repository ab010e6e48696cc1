use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        fs::write(folder.path(), "before").unwrap();
        folder
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("auth.json")
    }

    fn file(&self) -> AuthFile {
        AuthFile::find(Some(self.path())).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn a_file_is_replaced_and_kept_beside_it() {
    let folder = Folder::new();
    for bits in [0o600, 0o640] {
        fs::write(folder.path(), "before").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(bits)).unwrap();
        let backup = folder.file().replace("before", "after").unwrap();
        assert_eq!(fs::read_to_string(folder.path()).unwrap(), "after");
        assert_eq!(fs::read_to_string(&backup).unwrap(), "before");
        assert_eq!((mode(&folder.path()), mode(&backup)), (bits, bits));
        assert_eq!(folder.names(), ["auth.json", "auth.json.before-clean"]);
    }
}

#[test]
fn what_a_killed_run_left_is_no_hindrance() {
    let folder = Folder::new();
    fs::write(folder.0.path().join("auth.json.cleaning"), "half").unwrap();
    folder.file().replace("before", "after").unwrap();
    assert_eq!(folder.names(), ["auth.json", "auth.json.before-clean"]);
}

#[test]
fn a_file_that_others_changed_is_left_to_them() {
    let folder = Folder::new();
    let refused = folder.file().replace("what was read", "after").unwrap_err();
    assert!(refused.contains("was changed by something"), "{refused}");
    assert_eq!(folder.file().read().unwrap(), "before");
    assert!(!folder.names().contains(&"auth.json.cleaning".to_owned()));
}

#[test]
fn a_file_that_cannot_be_replaced_stays() {
    let folder = Folder::new();
    fs::create_dir(folder.0.path().join("auth.json.before-clean")).unwrap();
    let refused = folder.file().replace("before", "after").unwrap_err();
    assert!(refused.ends_with("auth.json is as it was"), "{refused}");
    assert_eq!(folder.names(), ["auth.json", "auth.json.before-clean"]);
    assert_eq!(folder.file().read().unwrap(), "before");
}

#[test]
fn links_are_followed_and_locked_on_both_ends() {
    let (folder, other) = (Folder::new(), tempfile::tempdir().unwrap());
    let link = other.path().join("auth.json");
    symlink(folder.path(), &link).unwrap();
    let file = AuthFile::find(Some(link.clone())).unwrap();
    let real = folder.0.path().canonicalize().unwrap();
    assert_eq!(file.locks(), [other.path().join("auth.lock"), real.join("auth.lock")]);
    let backup = file.replace("before", "after").unwrap();
    assert!(link.is_symlink() && backup.starts_with(&real));
    assert_eq!(fs::read_to_string(folder.path()).unwrap(), "after");

    let near = folder.0.path().join("near.json");
    symlink("auth.json", &near).unwrap();
    assert_eq!(AuthFile::find(Some(near)).unwrap().locks(), [folder.0.path().join("auth.lock")]);
}

#[test]
fn what_is_no_file_of_ones_own_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let find = |path: PathBuf| AuthFile::find(Some(path)).unwrap_err();
    assert!(find(folder.path().join("none")).contains("none: No such file"));
    assert!(find(folder.path().to_owned()).ends_with("is not a file"));
    let foreign = if geteuid().is_root() {
        let path = folder.path().join("foreign");
        fs::write(&path, "{}").unwrap();
        std::os::unix::fs::chown(&path, Some(12_345), None).unwrap();
        path
    } else {
        PathBuf::from("/etc/passwd")
    };
    assert!(find(foreign).ends_with("only that user may clean it"));
}

#[test]
fn what_is_no_text_or_too_much_is_refused() {
    let folder = Folder::new();
    fs::write(folder.path(), b"\xff").unwrap();
    assert!(folder.file().read().unwrap_err().contains("cannot be read"));
    File::create(folder.path()).unwrap().set_len(MOST_BYTES).unwrap();
    assert_eq!(folder.file().read().unwrap().len() as u64, MOST_BYTES);
    File::options().write(true).open(folder.path()).unwrap().set_len(MOST_BYTES + 1).unwrap();
    assert!(folder.file().read().unwrap_err().contains("has more than 67108864 bytes"));
}
