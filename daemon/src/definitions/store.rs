//! The content of an auth.json.

use std::collections::{BTreeMap, BTreeSet};

use credpool_proto::limits::MAX_NAME_BYTES;
use serde_json::value::RawValue;

use super::legacy::RuntimeNotes;
use super::logins::Logins;
use super::row::StoredRow;
use super::snapshot::Problem;
use super::{fields, non_finite, printable};

/// The pools of an auth.json, and what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// The rows of each pool, in the order of the file. Their ids are distinct.
    pub(super) pools: BTreeMap<String, Vec<StoredRow>>,
    /// The logins beside them.
    pub(super) logins: Logins,
    /// `active_provider`: whose provider the user chose.
    pub(super) active_provider: Option<String>,
    /// `suppressed_sources`: what Hermes was told not to use, by pool.
    suppressed: BTreeMap<String, BTreeSet<String>>,
    /// The pools for which the file lists anything, be it rows that make no sense.
    listed: BTreeSet<String>,
    /// Notes beside the rows.
    pub(super) runtime: RuntimeNotes,
    pub(super) problems: Vec<Problem>,
}

/// Why a file is no auth store. It repeats nothing of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum StoreError {
    #[error("is not JSON, at line {line}, column {column}")]
    NotJson { line: usize, column: usize },
    #[error("is not a JSON object")]
    NotAnObject,
    #[error("has a `credential_pool` that is not an object")]
    NoPools,
    #[error("has more than {0} rows, which limits.auth_file_rows could allow")]
    TooManyRows(usize),
}

impl Store {
    /// Reads the file's text, if need be once more without the words that Python writes and JSON has not.
    ///
    /// An object without `credential_pool` is an empty store, as it is to Hermes. Rows that make no sense are left out,
    /// and named in `problems`; so is every row with the id of an earlier one in its pool.
    pub(super) fn parse(text: &[u8], max_rows: usize) -> Result<Self, StoreError> {
        match Self::parse_strict(text, max_rows) {
            Err(error @ StoreError::NotJson { .. }) => match non_finite::replace(text) {
                Some(replaced) => Self::parse_strict(&replaced, max_rows),
                None => Err(error),
            },
            parsed => parsed,
        }
    }

    fn parse_strict(text: &[u8], max_rows: usize) -> Result<Self, StoreError> {
        let root: &RawValue = serde_json::from_slice(text)
            .map_err(|error| StoreError::NotJson { line: error.line(), column: error.column() })?;
        let root: BTreeMap<String, &RawValue> = parse(root).ok_or(StoreError::NotAnObject)?;
        let pools: BTreeMap<String, &RawValue> = match root.get("credential_pool") {
            None => BTreeMap::new(),
            Some(raw) if raw.get() == "null" => BTreeMap::new(),
            Some(raw) => parse(raw).ok_or(StoreError::NoPools)?,
        };
        let mut store = Self::default();
        store.read_beside(&root);
        if let Some(runtime) = root.get("credential_pool_runtime") {
            store.runtime = RuntimeNotes::read(runtime, &mut store.problems);
        }
        let mut left = max_rows;
        for (name, raw) in pools {
            let place = format!("credential_pool: {}", printable(&name));
            if name.is_empty() || name.len() > MAX_NAME_BYTES || name.chars().any(char::is_control) {
                store.problems.push(Problem::new(place, "is not a name that a pool can have; the pool is left out"));
                continue;
            }
            let Some(rows) = parse::<Vec<&RawValue>>(raw) else {
                store.problems.push(Problem::new(place, "is not a list; the pool is left out"));
                continue;
            };
            left = left.checked_sub(rows.len()).ok_or(StoreError::TooManyRows(max_rows))?;
            if !rows.is_empty() {
                store.listed.insert(name.clone());
            }
            let rows = read_rows(&name, &rows, &mut store.problems);
            store.pools.insert(name, rows);
        }
        Ok(store)
    }

    /// Whether Hermes was told not to use `source` in `pool`.
    pub(super) fn is_suppressed(&self, pool: &str, source: &str) -> bool {
        self.suppressed.get(pool).is_some_and(|sources| sources.contains(source))
    }

    /// Reads what stands beside the pools; what makes no sense counts as missing, as it does to Hermes.
    fn read_beside(&mut self, root: &BTreeMap<String, &RawValue>) {
        let object = |key: &str| root.get(key).copied().filter(|raw| raw.get().starts_with('{'));
        self.logins = match (object("providers"), object("credential_pool"), object("systems")) {
            (Some(providers), ..) => Logins::read(providers),
            // The form that came before both.
            (None, None, Some(systems)) => Logins::read_systems(systems),
            _ => Logins::default(),
        };
        self.active_provider = fields::text(root.get("active_provider").copied()).map(|name| name.to_owned());
        let suppressed: BTreeMap<String, &RawValue> = object("suppressed_sources").and_then(parse).unwrap_or_default();
        self.suppressed = suppressed
            .into_iter()
            .filter_map(|(pool, raw)| {
                let sources: Vec<&RawValue> = parse(raw)?;
                let names = sources.into_iter().filter_map(|raw| fields::text(Some(raw)));
                Some((pool, names.map(|name| name.to_owned()).collect()))
            })
            .collect();
    }

    /// Whether it lists anything for a pool. What it lists may be nothing that can be served, and is still its own.
    pub(super) fn lists(&self, pool: &str) -> bool {
        self.listed.contains(pool)
    }
}

fn read_rows(pool: &str, raw: &[&RawValue], problems: &mut Vec<Problem>) -> Vec<StoredRow> {
    let mut rows = Vec::with_capacity(raw.len());
    let mut ids = BTreeSet::new();
    let mut warnings = Vec::new();
    for (index, raw) in raw.iter().enumerate() {
        let place = || format!("{pool}[{index}]");
        match StoredRow::read(pool, raw, &mut warnings) {
            Ok(row) if ids.contains(&row.id) => {
                let id = printable(&row.id);
                problems.push(Problem::new(place(), format!("has the id of an earlier row, {id}, and is left out")));
            }
            Ok(row) => {
                ids.insert(row.id.clone());
                rows.push(row);
            }
            Err(problem) => problems.push(Problem::new(place(), format!("{problem}, and is left out"))),
        }
        problems.extend(warnings.drain(..).map(|warning| Problem::new(place(), warning)));
    }
    rows
}

fn parse<'a, T: serde::Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

#[cfg(test)]
mod tests;
