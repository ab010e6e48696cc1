//! Flags over variables over the file: every value checked, the highest one kept, and where it came from.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::cli::Cli;
use super::error::{ConfigError, Origin};
use super::file;
use super::keys::{KEYS, Key, Support};
use super::value::Raw;

/// Where each value came from, by its path as [`show`] writes it.
#[derive(Debug, Default)]
pub(super) struct Origins(BTreeMap<String, Origin>);

impl Origins {
    /// Where the value at `path` came from, in words.
    pub(super) fn of(&self, path: &str) -> String {
        self.0.get(path).map_or_else(|| "by default".to_owned(), |origin| format!("by {origin}"))
    }
}

/// What all sources say together.
#[derive(Debug)]
pub(super) struct Layers<'a> {
    home: Option<&'a Path>,
    /// The values that count, in normal form.
    pub(super) table: Table,
    pub(super) origins: Origins,
    pub(super) errors: Vec<ConfigError>,
}

impl<'a> Layers<'a> {
    /// Reads all sources. A bad value is an error even where a higher source overrides it.
    pub(super) fn read(
        cli: &Cli,
        env: &impl Fn(&str) -> Option<String>,
        home: Option<&'a Path>,
        file: Option<(&Path, &str)>,
    ) -> Self {
        let mut layers = Self { home, table: Table::new(), origins: Origins::default(), errors: Vec::new() };
        if let Some((path, text)) = file {
            file::read(path, text, &mut layers);
        }
        for key in KEYS {
            let Some(variable) = key.variable() else { continue };
            if let Some(value) = env(&variable).filter(|value| !value.is_empty()) {
                layers.put(key, &names(key), &Raw::Argument(value), Origin::Variable(variable));
            }
        }
        for (key, value) in &cli.values {
            let Some(flag) = key.flag() else { continue };
            layers.put(key, &names(key), &Raw::Argument(value.clone()), Origin::Flag(flag));
        }
        layers
    }

    /// Takes a value that stands above all that came before it.
    pub(super) fn put(&mut self, key: &Key, path: &[String], raw: &Raw, origin: Origin) {
        let read = match key.support {
            Support::Full => key.value.read(raw, self.home),
            Support::Only(value) if matches!(raw, Raw::Argument(text) | Raw::Text(text) if text == value) => return,
            Support::Only(value) => Err(format!("other than {value:?} is not supported by this version yet")),
            Support::Later => Err("is not supported by this version yet".to_owned()),
        };
        let shown = show(path);
        match read {
            Ok(value) => {
                insert(&mut self.table, path, value);
                self.origins.0.insert(shown, origin);
            }
            Err(cause) => self.errors.push(ConfigError::BadValue { origin, key: shown, cause }),
        }
    }
}

fn names(key: &Key) -> Vec<String> {
    key.path.split('.').map(str::to_owned).collect()
}

fn insert(table: &mut Table, path: &[String], value: Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        table.insert(first.clone(), value);
        return;
    }
    let inner = table.entry(first.clone()).or_insert_with(|| Value::Table(Table::new()));
    // Keys are leaves or tables, never both, so this is always a table.
    if let Value::Table(inner) = inner {
        insert(inner, rest, value);
    }
}

/// A path as one would write it in a file; items of the one list by their index from 0.
pub(super) fn show(path: &[String]) -> String {
    let bare = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
    };
    let mut shown = String::new();
    for (place, name) in path.iter().enumerate() {
        if let Some(index) = list_index(path, place) {
            shown.push_str(&format!("[{index}]"));
            continue;
        }
        if place > 0 {
            shown.push('.');
        }
        if bare(name) {
            shown.push_str(name);
        } else {
            shown.push_str(&format!("{name:?}"));
        }
    }
    shown
}

/// The index that stands at `place` of `path`, if that is an item of `pools.NAME.definitions`.
fn list_index(path: &[String], place: usize) -> Option<usize> {
    let in_list = place == 3 && path.first()? == "pools" && path.get(2)? == file::LIST_OF_TABLES;
    in_list.then(|| path[place].parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_as_toml() {
        let path = |names: &[&str]| show(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!(path(&["pools", "custom:a.b", "cap"]), "pools.\"custom:a.b\".cap");
        assert_eq!(path(&["pools", "", "cap"]), "pools.\"\".cap");
        assert_eq!(path(&["pools", "a", "definitions", "000012", "env"]), "pools.a.definitions[12].env");
        assert_eq!(path(&["pools", "a\u{1b}", "cap"]), "pools.\"a\\u{1b}\".cap");
    }
}
