//! `auth clean`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::style::{FAINT, STRONG, paint};
use super::{clean, count};
use crate::auth::strip::{Removed, RowName};

/// What was taken out of a file, or would be.
pub(crate) struct Cleaned<'a> {
    pub(crate) auth_file: &'a Path,
    pub(crate) dry_run: bool,
    pub(crate) removed: &'a [Removed],
    /// Where the file as it was is; `None` if nothing was taken out.
    pub(crate) backup: Option<PathBuf>,
}

/// For people.
pub(crate) fn render(cleaned: &Cleaned<'_>) -> String {
    let file = path(cleaned.auth_file);
    if cleaned.removed.is_empty() {
        return format!("There is nothing to clean in {file}.\n");
    }
    let mut out = String::new();
    for Removed { row, fields, .. } in cleaned.removed {
        let fields = paint(FAINT, fields.join(", "));
        let _ = match row {
            Some(row) => writeln!(out, "{}: {fields}", paint(STRONG, name(row))),
            None => writeln!(out, "{fields}"),
        };
    }
    let fields = cleaned.removed.iter().map(|removed| removed.fields.len() as u64).sum();
    let fields = count(fields, "field");
    match &cleaned.backup {
        None => {
            let _ = writeln!(out, "{fields} would be taken out of {file}.");
        }
        Some(backup) => {
            let backup = path(backup);
            let _ = writeln!(out, "{fields} taken out of {file}. As it was, with all its keys, it is {backup}.");
            let _ = writeln!(out, "A Hermes that runs notes such things again.");
        }
    }
    out
}

/// For programs.
pub(crate) fn json(cleaned: &Cleaned<'_>) -> Value {
    let removed = cleaned.removed.iter().map(|Removed { row, fields, .. }| match row {
        Some(RowName { pool, id, place }) => json!({"pool": pool, "id": id, "row": place, "fields": fields}),
        None => json!({"fields": fields}),
    });
    json!({
        "ok": true,
        "auth_file": cleaned.auth_file.to_string_lossy(),
        "dry_run": cleaned.dry_run,
        "removed": removed.collect::<Vec<_>>(),
        "backup": cleaned.backup.as_deref().map(Path::to_string_lossy),
    })
}

/// As in `openrouter a1b2c3`, or `openrouter #2` where Hermes would say so.
fn name(RowName { pool, id, place }: &RowName) -> String {
    let id = id.as_deref().map_or_else(|| format!("#{}", place + 1).into(), clean);
    format!("{} {id}", clean(pool))
}

fn path(path: &Path) -> String {
    clean(&path.display().to_string()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn removed() -> [Removed; 3] {
        let row =
            |id: Option<&str>, place| RowName { pool: "open\x1brouter".to_owned(), id: id.map(str::to_owned), place };
        [
            Removed { row: Some(row(Some("a1"), 0)), fields: vec!["last_status", "request_count"], benches: true },
            Removed { row: Some(row(None, 1)), fields: vec!["request_count"], benches: false },
            Removed { row: None, fields: vec!["credential_pool_runtime"], benches: true },
        ]
    }

    fn cleaned<'a>(removed: &'a [Removed], backup: Option<&str>) -> Cleaned<'a> {
        Cleaned {
            auth_file: Path::new("/h/auth.json"),
            dry_run: backup.is_none(),
            removed,
            backup: backup.map(PathBuf::from),
        }
    }

    fn read(cleaned: &Cleaned<'_>) -> String {
        anstream::adapter::strip_str(&render(cleaned)).to_string()
    }

    #[test]
    fn each_row_is_named_with_its_fields() {
        let rows = "open\\u{1b}router a1: last_status, request_count\nopen\\u{1b}router #2: request_count\n\
                    credential_pool_runtime\n";
        assert_eq!(read(&cleaned(&removed(), None)), format!("{rows}4 fields would be taken out of /h/auth.json.\n"));
        let done = "4 fields taken out of /h/auth.json. As it was, with all its keys, it is /h/b.\n\
                    A Hermes that runs notes such things again.\n";
        assert_eq!(read(&cleaned(&removed(), Some("/h/b"))), format!("{rows}{done}"));
        assert_eq!(read(&cleaned(&[], None)), "There is nothing to clean in /h/auth.json.\n");
    }

    #[test]
    fn programs_get_the_same() {
        let [first, _, last] = removed();
        assert_eq!(
            json(&cleaned(&[first, last], Some("/h/b"))),
            json!({
                "ok": true,
                "auth_file": "/h/auth.json",
                "dry_run": false,
                "removed": [
                    {"pool": "open\u{1b}router", "id": "a1", "row": 0, "fields": ["last_status", "request_count"]},
                    {"fields": ["credential_pool_runtime"]},
                ],
                "backup": "/h/b",
            })
        );
    }
}
