use super::super::merge::{Listing, Merge};
use super::super::snapshot::Row;
use super::*;
use crate::config::AuthType;
use crate::definitions::Secret;

fn row(id: &str, label: &str, secret: &str) -> Row {
    let secret = Secret::new(secret);
    Row {
        id: id.to_owned(),
        label: label.to_owned(),
        auth_type: AuthType::ApiKey,
        source: "manual".to_owned(),
        base_url: None,
        fingerprint: Some(secret.fingerprint()),
        secret: Some(secret),
        secret_ref: None,
        unresolved: None,
        account: None,
        token_account: None,
        secret_expires_at_ms: None,
        legacy: None,
    }
}

/// A root with rows a and b, and a profile that calls b x, and something else a.
fn pool() -> PoolRows {
    let mut merge = Merge::default();
    let homes =
        [("default", [("a", "one", "1"), ("b", "two", "2")]), ("coder", [("x", "one", "2"), ("a", "two", "3")])];
    for (profile, rows) in homes {
        let mut listing = Listing::default();
        for (id, label, secret) in rows {
            merge.add(profile, &mut listing, row(id, label, secret));
        }
        merge.close(&profile.into(), listing, None, false);
    }
    merge.finish(None)
}

fn id(pool: &PoolRows, credential: Option<usize>) -> Option<&str> {
    credential.map(|credential| &*pool.credentials[credential].id)
}

#[test]
fn each_home_has_its_own_ids() {
    let pool = pool();
    let by_id = |profile: Option<&str>, name: &str| id(&pool, pool.names.of(profile).expect("known").by_id(name));
    assert_eq!([by_id(Some("default"), "a"), by_id(Some("coder"), "a")], [Some("a"), Some("a@coder")]);
    assert_eq!([by_id(Some("coder"), "x"), by_id(Some("default"), "b")], [Some("b"), Some("b")]);
    assert_eq!([by_id(Some("coder"), "b"), by_id(Some("default"), "x"), by_id(Some("coder"), "a@coder")], [None; 3]);
    assert_eq!([by_id(None, "a"), by_id(None, "x")], [Some("a"), Some("b")]);
    assert_eq!(by_id(None, "a@coder"), Some("a@coder"));
    assert!(pool.names.of(Some("nobody")).is_none());
}

#[test]
fn each_home_has_its_own_labels() {
    let pool = pool();
    let by_label = |profile: Option<&str>, label: &str| -> Vec<&str> {
        let bearers = pool.names.of(profile).expect("known").by_label(label);
        bearers.filter_map(|credential| id(&pool, Some(credential))).collect()
    };
    assert_eq!((by_label(Some("default"), "one"), by_label(Some("coder"), "one")), (vec!["a"], vec!["b"]));
    assert_eq!(by_label(None, "one"), ["a", "b"]);
    assert_eq!(by_label(None, "two"), ["b", "a@coder"]);
    assert!(by_label(Some("coder"), "three").is_empty());
}

#[test]
fn each_list_has_its_own_rows() {
    let pool = pool();
    let of = |list: usize| -> Vec<bool> { (0..3).map(|credential| pool.names.has(list, credential)).collect() };
    assert_eq!((of(0), of(1)), (vec![true, true, false], vec![false, true, true]));
    let lists = |profile: &str| -> Vec<bool> { (0..3).map(|at| pool.names.lists(profile, at)).collect() };
    assert_eq!((lists("default"), lists("coder"), lists("nobody")), (of(0), of(1), vec![false; 3]));
    let row = |profile: &str, credential| pool.names.row(profile, credential).map(|at| pool.rows[at].id.as_str());
    assert_eq!(
        [row("coder", 1), row("default", 1), row("coder", 0), row("nobody", 0)],
        [Some("x"), Some("b"), None, None]
    );
}
