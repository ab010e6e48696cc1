//! The configuration file: TOML, each value found by the table of keys, each unknown key refused.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Origin};
use super::keys::{KEYS, Key};
use super::layers::{Layers, show};
use super::value::Raw;

/// How alike two names must be (Jaro-Winkler, 0 to 1) for one to be offered for the other.
const ALIKE: f64 = 0.8;

/// The one list of tables; everything else that nests is a table.
pub(super) const LIST_OF_TABLES: &str = "definitions";

/// Puts everything that `text` says into `layers`.
pub(super) fn read(path: &Path, text: &str, layers: &mut Layers<'_>) {
    let line_of = |offset: usize| text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1;
    let origin = |offset| Origin::File { path: path.to_owned(), line: line_of(offset) };
    match DeTable::parse(text) {
        Ok(table) => {
            walk_table(table.get_ref(), &mut Vec::new(), &origin, layers);
            // Tables come in the order of names; people read files from top to bottom.
            layers.errors.sort_by_key(ConfigError::line);
        }
        Err(error) => layers.errors.push(ConfigError::Syntax {
            origin: origin(error.span().map_or(0, |span| span.start)),
            cause: error.message().to_owned(),
        }),
    }
}

fn walk_table(table: &DeTable<'_>, path: &mut Vec<String>, origin: &impl Fn(usize) -> Origin, layers: &mut Layers<'_>) {
    for (name, value) in table {
        path.push(name.get_ref().to_string());
        walk(name.span().start, value, path, origin, layers);
        path.pop();
    }
}

fn walk(
    offset: usize,
    value: &Spanned<DeValue<'_>>,
    path: &mut Vec<String>,
    origin: &impl Fn(usize) -> Origin,
    layers: &mut Layers<'_>,
) {
    if let Some(key) = key_at(path) {
        layers.put(key, path, &raw(value.get_ref()), origin(offset));
        return;
    }
    if !leads_somewhere(path) {
        layers.errors.push(ConfigError::UnknownKey { origin: origin(offset), key: show(path), nearest: nearest(path) });
        return;
    }
    let is_list = path.last().is_some_and(|name| name == LIST_OF_TABLES);
    match value.get_ref() {
        DeValue::Table(table) if !is_list => walk_table(table, path, origin, layers),
        DeValue::Array(items) if is_list => {
            for (index, item) in items.iter().enumerate() {
                // Padded, so that the order of names is the order of the list.
                path.push(format!("{index:06}"));
                if matches!(item.get_ref(), DeValue::Table(table) if table.is_empty()) {
                    // It has no value to be found by, and must not be passed over in silence.
                    let (origin, key) = (origin(item.span().start), show(path));
                    let cause = "must have either `env` or `file`".to_owned();
                    layers.errors.push(ConfigError::BadValue { origin, key, cause });
                }
                walk(item.span().start, item, path, origin, layers);
                path.pop();
            }
        }
        _ => layers.errors.push(ConfigError::BadValue {
            origin: origin(offset),
            key: show(path),
            cause: format!("must be a {}", if is_list { "list of tables" } else { "table" }),
        }),
    }
}

/// The key whose place is exactly `path`.
fn key_at(path: &[String]) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.places().iter().any(|place| place.len() == path.len() && fits(place, path)))
}

/// Whether a key has its place somewhere below `path`.
fn leads_somewhere(path: &[String]) -> bool {
    KEYS.iter().flat_map(Key::places).any(|place| place.len() > path.len() && fits(&place, path))
}

/// Whether `path` is the beginning of `place`.
fn fits(place: &[&str], path: &[String]) -> bool {
    place.iter().zip(path).all(|(pattern, name)| *pattern == "*" || pattern == name)
}

/// What was probably meant: a name that looks like the last one of `path` in the same table, else the same name in
/// another.
fn nearest(path: &[String]) -> Option<String> {
    let (name, parent) = path.split_last()?;
    let places = || KEYS.iter().flat_map(Key::places);
    let sibling = places()
        .filter(|place| place.len() > parent.len() && fits(&place[..parent.len()], parent))
        .map(|place| place[parent.len()])
        .filter(|sibling| *sibling != "*")
        .map(|sibling| (strsim::jaro_winkler(sibling, name), sibling))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .map(|(_, sibling)| [parent, &[sibling.to_owned()]].concat());
    let elsewhere =
        || KEYS.iter().map(|key| key.path).find(|path| path.rsplit('.').next() == Some(name)).map(str::to_owned);
    sibling.map(|path| show(&path)).or_else(elsewhere)
}

fn raw(value: &DeValue<'_>) -> Raw {
    match value {
        DeValue::String(text) => Raw::Text(text.to_string()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Raw::Other("so large a number"), Raw::Integer)
        }
        DeValue::Float(number) => number.as_str().parse().map_or(Raw::Other("a number of that form"), Raw::Float),
        DeValue::Boolean(_) => Raw::Other("true or false"),
        DeValue::Datetime(_) => Raw::Other("a date"),
        DeValue::Array(items) => Raw::List(items.iter().map(|item| raw(item.get_ref())).collect()),
        DeValue::Table(_) => Raw::Other("a table"),
    }
}
