//! The content of an auth.json.

use std::collections::{BTreeMap, BTreeSet};

use credpool_proto::limits::MAX_NAME_BYTES;
use serde_json::value::RawValue;

use super::legacy::RuntimeNotes;
use super::row::StoredRow;
use super::snapshot::Problem;
use super::{non_finite, printable};

/// The pools of an auth.json, and what is wrong with them.
#[derive(Debug, Default)]
pub(super) struct Store {
    /// The rows of each pool: by priority, else in the order of the file. Their ids are distinct.
    pub(super) pools: BTreeMap<String, Vec<StoredRow>>,
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
    #[error("has more than {0} rows")]
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
            let rows = read_rows(&name, &rows, &mut store.problems);
            store.pools.insert(name, rows);
        }
        Ok(store)
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
    // Stable, as in hermes-agent: rows of one priority stay in the order of the file.
    rows.sort_by_key(|row| row.priority);
    rows
}

fn parse<'a, T: serde::Deserialize<'a>>(raw: &'a RawValue) -> Option<T> {
    serde_json::from_str(raw.get()).ok()
}

#[cfg(test)]
mod tests;
