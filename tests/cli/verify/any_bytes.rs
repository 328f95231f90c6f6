//! No bytes make it panic.

use std::sync::OnceLock;

use kpki::lint::{Tree, lint};
use kpki::state::Access;
use kpki::time::Timestamp;
use proptest::prelude::*;

use super::{layouts, tree};
use crate::testkit::contents;

/// Every file of a right tree.
fn files() -> &'static [(String, Vec<u8>)] {
    static FILES: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    FILES.get_or_init(|| contents(&tree::Tree::right().folder()).into_iter().collect())
}

fn judge<'f>(files: impl Iterator<Item = (&'f str, &'f [u8])>) -> usize {
    let mut tree = Tree::new("/etc/kubernetes");
    for (name, bytes) in files {
        tree.add(name, Access::of(0o644), bytes);
    }
    lint(&tree, Timestamp::from_unix(1_800_000_000)).len()
}

/// A certificate's or key's DER, damaged inside its PEM: base64 alone would hide it from the parsers.
fn damage_inside(bytes: &[u8], at: usize, value: u8) -> Option<Vec<u8>> {
    let mut block = pem::parse(bytes).ok()?.into_contents();
    let label = pem::parse(bytes).ok()?.tag().to_owned();
    let at = at % block.len();
    block[at] = value;
    Some(pem::encode(&pem::Pem::new(label, block)).into_bytes())
}

#[derive(Debug, Clone)]
enum Damage {
    Byte(usize, u8),
    Inside(usize, u8),
    Cut(usize),
    Insert(usize, Vec<u8>),
    Replace(Vec<u8>),
    /// By another file of the tree.
    Swap(usize),
}

fn damage() -> impl Strategy<Value = Damage> {
    let bytes = || proptest::collection::vec(any::<u8>(), 0..40);
    prop_oneof![
        (any::<usize>(), any::<u8>()).prop_map(|(at, value)| Damage::Byte(at, value)),
        (any::<usize>(), any::<u8>()).prop_map(|(at, value)| Damage::Inside(at, value)),
        any::<usize>().prop_map(Damage::Cut),
        (any::<usize>(), bytes()).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
        bytes().prop_map(Damage::Replace),
        any::<usize>().prop_map(Damage::Swap),
    ]
}

fn damaged(bytes: &[u8], damage: &Damage) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let within = |at: &usize| at % bytes.len();
    match damage {
        Damage::Byte(at, value) => {
            let at = within(at);
            bytes[at] = *value;
        }
        Damage::Inside(at, value) => return damage_inside(&bytes, *at, *value).unwrap_or(bytes),
        Damage::Cut(at) => bytes.truncate(within(at)),
        Damage::Insert(at, more) => {
            let at = within(at);
            bytes.splice(at..at, more.iter().copied());
        }
        Damage::Replace(new) => bytes.clone_from(new),
        Damage::Swap(other) => bytes.clone_from(&files()[other % files().len()].1),
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Of other layouts.
    #[test]
    fn damaged_layouts_never_panic(
        layout: usize,
        wounds in proptest::collection::vec((any::<usize>(), damage()), 1..6),
    ) {
        let mut files = layouts::contents(layout);
        for (which, damage) in &wounds {
            let which = which % files.len();
            let bytes = &mut files[which].1;
            if !bytes.is_empty() {
                *bytes = damaged(bytes, damage);
            }
        }
        judge(files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])));
    }

    #[test]
    fn damaged_files_never_panic(
        wounds in proptest::collection::vec((any::<usize>(), damage()), 1..6),
    ) {
        let mut files = files().to_vec();
        for (which, damage) in &wounds {
            let which = which % files.len();
            let bytes = &mut files[which].1;
            if !bytes.is_empty() {
                *bytes = damaged(bytes, damage);
            }
        }
        judge(files.iter().map(|(name, bytes)| (name.as_str(), &bytes[..])));
    }

    /// Names as they come: judged by content and place, whatever they look like.
    #[test]
    fn odd_names_never_panic(name in "[a-z./ -]{0,30}(pki/ca.crt|manifests/x.yaml|admin.conf|.key)?", which: usize) {
        let bytes = &files()[which % files().len()].1;
        judge([(name.as_str(), &bytes[..])].into_iter());
    }
}

/// The damage reaches what it is for: most wounds of one certificate are found.
#[test]
fn damage_is_seen() {
    let whole = judge(files().iter().map(|(name, bytes)| (name.as_str(), &bytes[..])));
    let mut seen = 0;
    let (name, bytes) = files().iter().find(|(name, _)| name == "pki/apiserver.crt").unwrap();
    for at in 0..100 {
        let wounded = damage_inside(bytes, at * 5, 0xff).unwrap();
        let rest = files().iter().filter(|(other, _)| other != name);
        let rest = rest.map(|(name, bytes)| (name.as_str(), &bytes[..]));
        let found = judge(rest.chain([(name.as_str(), &wounded[..])]));
        seen += usize::from(found > whole);
    }
    assert!(seen > 90, "{seen}");
}
