//! Secrets that can be found again wherever they leak to.

use std::path::{Path, PathBuf};

use serde_json::Value;

/// What every secret of a test begins with.
pub(crate) const CANARY: &str = "sk-canary-";

/// What stands in every secret of a test or of the sample, so that one search finds them all.
const MARKS: [&str; 3] = [CANARY, "sk-or-v1-sample", "sk-ant-api03-sample"];

/// A secret for a test. The same name makes the same secret.
pub(crate) fn secret(name: &str) -> String {
    format!("{CANARY}{name}-6b9d2f70c4")
}

/// Panics if a reply holds a secret anywhere but where a lease has it.
#[track_caller]
pub(super) fn check_reply(line: &str, reply: &Value) {
    let in_leases = ["/credential/secret", "/next/credential/secret"]
        .iter()
        .filter_map(|place| reply.pointer(place).and_then(Value::as_str))
        .map(count)
        .sum::<usize>();
    assert_eq!(count(line), in_leases, "a secret stands outside of a lease: {line}");
}

/// Panics if any file under `folder` holds a secret, except those that are `allowed` to.
#[track_caller]
pub(super) fn check_folder(folder: &Path, allowed: &[PathBuf]) {
    for file in files_under(folder) {
        if allowed.iter().any(|path| file.starts_with(path)) {
            continue;
        }
        // A file may be gone by now: locks and sockets are.
        let text = String::from_utf8_lossy(&std::fs::read(&file).unwrap_or_default()).into_owned();
        for mark in MARKS {
            assert!(!text.contains(mark), "a secret was written to {}:\n{text}", file.display());
        }
    }
}

fn count(text: &str) -> usize {
    MARKS.iter().map(|mark| text.matches(mark).count()).sum()
}

fn files_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_belongs_in_a_lease() {
        let reply = json!({"credential": {"secret": secret("a")}, "next": {"credential": {"secret": secret("b")}}});
        check_reply(&reply.to_string(), &reply);
    }

    #[test]
    #[should_panic(expected = "outside of a lease")]
    fn and_nowhere_else() {
        let reply = json!({"credential": {"secret": secret("a"), "label": secret("a")}});
        check_reply(&reply.to_string(), &reply);
    }

    #[test]
    #[should_panic(expected = "a secret was written")]
    fn nor_in_a_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let below = folder.path().join("below");
        std::fs::create_dir(&below).expect("a new folder");
        std::fs::write(below.join("log"), format!("key={}", secret("a"))).expect("a new file");
        check_folder(folder.path(), &[folder.path().join("auth.json")]);
    }
}
