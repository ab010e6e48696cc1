//! Where definitions are.

use std::path::{Path, PathBuf};

/// The auth.json of this user: `$HERMES_HOME/auth.json`, else `~/.hermes/auth.json`, as hermes-agent 0.19.0 has it
/// (hermes_constants.py, `get_hermes_home`). `None` if there is neither.
pub(crate) fn auth_file(env: &impl Fn(&str) -> Option<String>, home: Option<&Path>) -> Option<PathBuf> {
    let folder = from_env(env, "HERMES_HOME").or_else(|| Some(home?.join(".hermes")))?;
    std::path::absolute(folder.join("auth.json")).ok()
}

/// The path in a variable, trimmed as Hermes does; empty counts as unset.
pub(crate) fn from_env(env: &impl Fn(&str) -> Option<String>, name: &str) -> Option<PathBuf> {
    let value = env(name)?;
    let value = value.trim();
    (!value.is_empty()).then(|| PathBuf::from(value))
}

/// The one folder that an auth.json lives in, whatever links lead to it: two daemons whose auth files have the same
/// canonical root serve the same credentials.
///
/// Links are resolved as far as the path exists; what does not exist yet is taken as it stands.
#[must_use]
pub fn canonical_root(auth_file: &Path) -> PathBuf {
    let canonical = canonical(auth_file);
    canonical.parent().unwrap_or(&canonical).to_owned()
}

/// The path with all links resolved in its deepest part that exists.
fn canonical(path: &Path) -> PathBuf {
    if let Ok(canonical) = path.canonicalize() {
        return canonical;
    }
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) => canonical(parent).join(name),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn hermes_home_comes_first() {
        let home = Some(Path::new("/home/ann"));
        let find = |value: Option<&str>, home| auth_file(&|_: &str| value.map(str::to_owned), home);
        assert_eq!(find(None, home), Some(PathBuf::from("/home/ann/.hermes/auth.json")));
        assert_eq!(find(Some("  "), home), Some(PathBuf::from("/home/ann/.hermes/auth.json")));
        assert_eq!(find(Some(" /h\n"), home), Some(PathBuf::from("/h/auth.json")));
        assert_eq!(find(None, None), None);
    }

    #[test]
    fn links_lead_to_one_root() {
        let folder = tempfile::tempdir().expect("a folder");
        let real = folder.path().canonicalize().expect("a path").join("real");
        let link = folder.path().join("link");
        assert_eq!(canonical_root(&real.join("deep/auth.json")), real.join("deep"));
        fs::create_dir(&real).expect("a folder");
        symlink(&real, &link).expect("a link");
        assert_eq!(canonical_root(&link.join("auth.json")), real);
        fs::write(real.join("auth.json"), "{}").expect("a file");
        assert_eq!(canonical_root(&link.join("auth.json")), real);
        symlink(real.join("auth.json"), folder.path().join("auth.json")).expect("a link");
        assert_eq!(canonical_root(&folder.path().join("auth.json")), real);
    }
}
