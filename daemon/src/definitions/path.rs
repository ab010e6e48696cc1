//! Where definitions are.

use std::path::{Path, PathBuf};

/// The auth.json of this user: `$HERMES_HOME/auth.json`, else `~/.hermes/auth.json`, as hermes-agent 0.19.0 has it
/// (hermes_constants.py, `get_hermes_home`). `None` if there is neither.
pub(crate) fn auth_file(env: &impl Fn(&str) -> Option<String>, home: Option<&Path>) -> Option<PathBuf> {
    let folder = from_env(env, "HERMES_HOME").or_else(|| Some(home?.join(".hermes")))?;
    std::path::absolute(folder.join("auth.json")).ok()
}

/// What Hermes calls the profile of the root home.
pub const ROOT_PROFILE: &str = "default";

/// What hermes-agent 0.19.0 calls a home that is neither its root nor one of its profiles (hermes_cli/profiles.py,
/// `get_active_profile_name`).
pub(crate) const OTHER_PROFILE: &str = "custom";

/// Where the home of an auth.json stands among the homes that share a root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The folder of the root home.
    pub root: PathBuf,
    /// The profile that the home is of.
    pub profile: String,
}

impl Place {
    /// The place of the home that `auth_file` is in, for a user whose home folder is `user`, as hermes-agent 0.19.0 finds
    /// it (hermes_constants.py, `get_default_hermes_root`): all within `~/.hermes` has that as its root, a folder in
    /// `profiles` the folder around that, and any other is its own root.
    #[must_use]
    pub fn of(auth_file: &Path, user: Option<&Path>) -> Self {
        let home = auth_file.parent().unwrap_or(auth_file);
        let usual = user.map(|user| user.join(".hermes"));
        let real = canonical(home);
        let root = match (usual, home.parent()) {
            (Some(usual), _) if real.starts_with(canonical(&usual)) => usual,
            (_, Some(profiles)) if profiles.ends_with(PROFILES) => profiles.parent().unwrap_or(profiles).to_owned(),
            _ => home.to_owned(),
        };
        let name = || real.file_name()?.to_str().filter(|name| is_profile(name));
        let profile = if real == canonical(&root) {
            ROOT_PROFILE
        } else if real.parent() == Some(&canonical(&root.join(PROFILES))) {
            name().unwrap_or(OTHER_PROFILE)
        } else {
            OTHER_PROFILE
        };
        Self { profile: profile.to_owned(), root }
    }

    /// The auth.json of the root home.
    pub(crate) fn root_auth_file(&self) -> PathBuf {
        self.root.join("auth.json")
    }

    /// The folder with a folder for each profile.
    pub(crate) fn profiles(&self) -> PathBuf {
        self.root.join(PROFILES)
    }
}

/// The folder in a root home with a folder for each profile.
const PROFILES: &str = "profiles";

/// Whether a folder in `profiles` can be that of a profile: hermes-agent 0.19.0 passes over all others
/// (hermes_cli/profiles.py, `_PROFILE_ID_RE` and `profiles_to_serve`).
pub(crate) fn is_profile(name: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name != ROOT_PROFILE
        && name.len() <= 64
        && name.starts_with(is_word)
        && name.chars().all(|c| is_word(c) || matches!(c, '_' | '-'))
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
    fn the_root_is_the_one_that_hermes_finds() {
        let folder = tempfile::tempdir().expect("a folder");
        let user = folder.path().canonicalize().expect("a path");
        let place = |auth_file: &Path| Place::of(auth_file, Some(&user));
        let at = |home: &str, root: &Path, profile: &str| {
            let expected = Place { root: root.to_owned(), profile: profile.to_owned() };
            assert_eq!(place(&Path::new(home).join("auth.json")), expected, "{home}");
        };
        let usual = user.join(".hermes");
        let within = |path: &str| usual.join(path).display().to_string();
        at(&within(""), &usual, "default");
        at(&within("profiles/coder"), &usual, "coder");
        at(&within("profiles/Coder"), &usual, "custom");
        at(&within("profiles/coder/deeper"), &usual, "custom");
        at(&within("elsewhere"), &usual, "custom");
        at("/opt/data", Path::new("/opt/data"), "default");
        at("/opt/data/profiles/coder", Path::new("/opt/data"), "coder");
        at("/opt/data/profiles/default", Path::new("/opt/data"), "custom");
        at("/opt/data/profiles", Path::new("/opt/data/profiles"), "default");
        assert_eq!(Place::of(Path::new("/a/profiles/b/auth.json"), None).root, Path::new("/a"));

        fs::create_dir_all(usual.join("profiles/coder")).expect("a folder");
        symlink(usual.join("profiles/coder"), user.join("link")).expect("a link");
        at(&user.join("link").display().to_string(), &usual, "coder");
    }

    #[test]
    fn profiles_have_names_as_hermes_gives_them() {
        for (name, good) in [
            ("a", true),
            ("0", true),
            ("coder-2_x", true),
            (&*"x".repeat(64), true),
            (&*"x".repeat(65), false),
            ("", false),
            ("default", false),
            ("Coder", false),
            ("-a", false),
            ("_a", false),
            (".a", false),
            ("a b", false),
            ("é", false),
        ] {
            assert_eq!(is_profile(name), good, "{name:?}");
        }
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
