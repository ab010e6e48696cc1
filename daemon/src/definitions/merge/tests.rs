use super::*;
use crate::config::AuthType;
use crate::definitions::{LegacyState, Secret};

fn row(id: &str, secret: Option<&str>) -> Row {
    let secret = secret.map(Secret::new);
    Row {
        id: id.to_owned(),
        label: format!("label of {id}"),
        auth_type: AuthType::ApiKey,
        source: "manual".to_owned(),
        base_url: None,
        fingerprint: secret.as_ref().map(Secret::fingerprint),
        unresolved: secret.is_none().then(|| "nowhere".to_owned()),
        secret,
        secret_ref: None,
        account: None,
        token_account: None,
        secret_expires_at_ms: None,
        legacy: Some(LegacyState::default()),
    }
}

/// The lists of some profiles, each row by id and secret.
fn merged(lists: &[(&str, &[(&str, &str)])]) -> PoolRows {
    let mut merge = Merge::default();
    for (profile, rows) in lists {
        let mut listing = Listing::default();
        for (id, secret) in *rows {
            merge.add(profile, &mut listing, row(id, Some(*secret).filter(|secret| !secret.is_empty())));
        }
        merge.close(&Arc::from(*profile), listing, None, false);
    }
    merge.finish(None)
}

/// The profiles of a list, and the credentials and ids in it.
type Listed<'a> = (String, Vec<(&'a str, &'a str)>);

/// The ids of the pool's credentials, and each list.
fn shown(pool: &PoolRows) -> (Vec<&str>, Vec<Listed<'_>>) {
    let id = |credential: usize| &*pool.credentials[credential].id;
    let lists = pool.lists.iter().map(|list| {
        let rows = list.rows.iter().map(|at| (id(pool.credential_of(*at)), pool.rows[*at].id.as_str()));
        (list.profiles.join(" "), rows.collect())
    });
    ((0..pool.credentials.len()).map(id).collect(), lists.collect())
}

#[test]
fn one_home_is_what_its_file_lists() {
    let pool = merged(&[("default", &[("a", "1"), ("b", "2"), ("c", "2"), ("d", "")])]);
    let rows = ["a", "b", "c", "d"];
    assert_eq!(shown(&pool), (rows.to_vec(), vec![("default".to_owned(), rows.map(|id| (id, id)).to_vec())]));
}

#[test]
fn a_copied_row_is_the_row_that_was_copied() {
    let pool = merged(&[
        ("default", &[("a", "1"), ("b", "2")]),
        ("coder", &[("b", "2"), ("a", "1")]),
        ("writer", &[("a", "1"), ("b", "2")]),
    ]);
    assert_eq!(pool.rows.len(), 2);
    let (credentials, lists) = shown(&pool);
    assert_eq!(credentials, ["a", "b"]);
    assert_eq!(lists[0], ("default writer".to_owned(), vec![("a", "a"), ("b", "b")]), "equal lists are one");
    assert_eq!(lists[1], ("coder".to_owned(), vec![("b", "b"), ("a", "a")]));
}

#[test]
fn the_same_secret_under_another_id_is_the_same_credential() {
    let pool = merged(&[("default", &[("a", "1")]), ("coder", &[("x", "1"), ("y", "3")])]);
    let (credentials, lists) = shown(&pool);
    assert_eq!((credentials, &lists[1].1), (vec!["a", "y"], &vec![("a", "x"), ("y", "y")]));
}

#[test]
fn the_same_id_with_another_secret_is_another_credential() {
    let pool = merged(&[
        ("default", &[("a", "1")]),
        ("coder", &[("a", "2")]),
        ("writer", &[("a", "3"), ("a@coder", "4")]),
        ("zoe", &[("a", "2")]),
    ]);
    let (credentials, lists) = shown(&pool);
    assert_eq!(credentials, ["a", "a@coder", "a@writer", "a@coder@writer"]);
    assert_eq!(lists[1], ("coder zoe".to_owned(), vec![("a@coder", "a")]));
    assert_eq!(lists[2].1, [("a@writer", "a"), ("a@coder@writer", "a@coder")]);
}

#[test]
fn a_secret_that_is_missing_in_one_home_makes_two() {
    let pool = merged(&[("default", &[("a", "1")]), ("coder", &[("a", "")]), ("writer", &[("a", "")])]);
    let (credentials, lists) = shown(&pool);
    assert_eq!((credentials, lists.len()), (vec!["a", "a@coder"], 2));
    assert_eq!(lists[1].0, "coder writer");
    assert_eq!(shown(&merged(&[("default", &[("a", "")]), ("coder", &[("a", "")])])).0, ["a"]);
}

#[test]
fn rows_of_one_list_stay_apart() {
    let twins = &[("a", "1"), ("b", "1")][..];
    let pool = merged(&[("default", twins), ("coder", &[("b", "1"), ("x", "1"), ("y", "1")]), ("writer", twins)]);
    let (credentials, lists) = shown(&pool);
    assert_eq!(credentials, ["a", "b", "y"]);
    assert_eq!(lists[1].1, [("b", "b"), ("a", "x"), ("y", "y")], "the same id first, then whoever is left");
    assert_eq!(lists[0].0, "default writer");
}

#[test]
fn a_row_that_says_more_than_its_like_is_kept() {
    let mut merge = Merge::default();
    let mut fill = |profile: &str, label: &str, grants: u64| {
        let mut listing = Listing::default();
        let legacy = Some(LegacyState { grants, fact: None });
        merge.add(profile, &mut listing, Row { label: label.to_owned(), legacy, ..row("a", Some("1")) });
        merge.close(&Arc::from(profile), listing, None, false);
    };
    fill("default", "work", 1);
    fill("coder", "code", 1);
    fill("writer", "work", 7);
    fill("zoe", "code", 1);
    let pool = merge.finish(None);
    assert_eq!((pool.credentials.len(), pool.rows.len(), pool.lists.len()), (1, 3, 3));
    let labels: Vec<&str> = pool.lists.iter().map(|list| pool.rows[list.rows[0]].label.as_str()).collect();
    assert_eq!(labels, ["work", "code", "work"]);
}

#[test]
fn a_strategy_of_its_own_is_a_list_of_its_own() {
    let mut merge = Merge::default();
    for (profile, strategy) in [("default", None), ("coder", Some(Strategy::Random)), ("writer", None)] {
        let mut listing = Listing::default();
        merge.add(profile, &mut listing, row("a", Some("1")));
        merge.close(&Arc::from(profile), listing, strategy, false);
    }
    let pool = merge.finish(Some(Strategy::LeastUsed));
    assert_eq!((pool.lists.len(), pool.strategy), (2, Some(Strategy::LeastUsed)));
}
