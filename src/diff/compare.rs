//! What differs between two sides, thing by thing and field by field.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::item::{Item, PUBLIC_KEY, Value};
use crate::facts::CertificateFacts;

/// Things by name: of a file all that it holds, in its order.
pub type Side = BTreeMap<String, Vec<Item>>;

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    pub added: Vec<Named>,
    pub removed: Vec<Named>,
    pub changed: Vec<Changed>,
    /// The same themselves, but made from something that changed.
    pub follows: Vec<Follows>,
    /// Certificates that differ, with what they were and are.
    pub certificates: Vec<CertificatePair>,
}

/// One of the two may be missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificatePair {
    /// The name of what holds it.
    pub within: String,
    pub before: Option<Arc<CertificateFacts>>,
    pub after: Option<Arc<CertificateFacts>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub name: String,
    pub item: Item,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    pub name: String,
    pub kind: &'static str,
    pub changes: Vec<Change>,
    /// Its public key is the same; `None`: it is known on one side at most.
    pub same_key: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Follows {
    pub name: String,
    pub kind: &'static str,
    /// What it follows.
    pub inputs: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// An empty text: not there.
    Text {
        field: &'static str,
        before: String,
        after: String,
    },
    Set {
        field: &'static str,
        removed: BTreeSet<String>,
        added: BTreeSet<String>,
    },
    /// Something that only a digest names.
    Other {
        field: &'static str,
        before: String,
        after: String,
    },
}

impl Comparison {
    pub fn is_equal(&self) -> bool {
        self.added.is_empty() && self.removed.is_empty() && self.changed.is_empty()
    }

    pub fn of(before: &Side, after: &Side) -> Comparison {
        let mut comparison = Comparison::default();
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for name in names {
            let side = |side: &Side| side.get(name).cloned().unwrap_or_default();
            for (suffix, before, after) in paired(side(before), side(after)) {
                comparison.certificate(name, before.as_ref(), after.as_ref());
                comparison.one(format!("{name}{suffix}"), before, after);
            }
        }
        comparison
    }

    fn certificate(&mut self, within: &str, before: Option<&Item>, after: Option<&Item>) {
        let facts = |item: Option<&Item>| item.and_then(|item| item.certificate.clone());
        let (before, after) = (facts(before), facts(after));
        if before != after {
            self.certificates.push(CertificatePair { within: within.to_owned(), before, after });
        }
    }

    fn one(&mut self, name: String, before: Option<Item>, after: Option<Item>) {
        match (before, after) {
            (None, None) => {}
            (None, Some(item)) => self.added.push(Named { name, item }),
            (Some(item), None) => self.removed.push(Named { name, item }),
            (Some(before), Some(after)) => {
                let (changes, inputs) = changes(&before, &after);
                let kind = after.kind;
                if !changes.is_empty() {
                    let key = |item: &Item| item.get(PUBLIC_KEY).cloned();
                    let same_key = key(&before).zip(key(&after));
                    self.changed.push(Changed {
                        name,
                        kind,
                        changes,
                        same_key: same_key.map(|(before, after)| before == after),
                    });
                } else if !inputs.is_empty() {
                    self.follows.push(Follows { name, kind, inputs });
                }
            }
        }
    }
}

type Pair = (String, Option<Item>, Option<Item>);

/// What stands for the same thing on both sides. Equal ones belong together first, then those of one label,
/// in their order; where a file holds one thing, that is it, however it is called.
fn paired(mut before: Vec<Item>, mut after: Vec<Item>) -> Vec<Pair> {
    if before.len() <= 1 && after.len() <= 1 {
        return vec![(String::new(), before.pop(), after.pop())];
    }
    let is_known =
        |item: &Item| !item.fields.iter().any(|field| matches!(field.value, Value::Unknown(_)));
    before.retain(|item| {
        let same = after.iter().position(|other| is_known(item) && other == item);
        same.map(|at| after.remove(at)).is_none()
    });
    let label = |item: &Item| match item.label.as_str() {
        "" => format!(" {}", item.kind),
        label => format!(" {label}"),
    };
    let mut waiting: HashMap<(&'static str, String), Vec<Item>> = HashMap::new();
    for item in after.into_iter().rev() {
        let key = (item.kind, item.label.clone());
        waiting.entry(key).or_default().push(item);
    }
    let mut pairs: Vec<Pair> = before
        .into_iter()
        .map(|item| {
            let key = (item.kind, item.label.clone());
            let other = waiting.get_mut(&key).and_then(Vec::pop);
            (label(&item), Some(item), other)
        })
        .collect();
    let rest = waiting.into_values().flatten();
    pairs.extend(rest.map(|item| (label(&item), None, Some(item))));
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    pairs
}

/// Field by field; and the inputs that changed under the same name.
fn changes(before: &Item, after: &Item) -> (Vec<Change>, Vec<String>) {
    let mut told = Vec::new();
    let mut echoes = Vec::new();
    let mut inputs = Vec::new();
    if before.kind != after.kind {
        told.push(Change::Text {
            field: "kind",
            before: before.kind.to_owned(),
            after: after.kind.to_owned(),
        });
    }
    let only_before = before.fields.iter().map(|field| field.name);
    let only_before = only_before.filter(|name| after.get(name).is_none());
    for field in (after.fields.iter().map(|field| field.name)).chain(only_before) {
        match (before.get(field), after.get(field)) {
            (Some(Value::Unknown(before)), Some(Value::Unknown(after))) => {
                let (before, after) = (before.clone(), after.clone());
                told.push(Change::Text { field, before, after });
            }
            (old, new) if old == new => {}
            (Some(Value::Hidden(old)), Some(Value::Hidden(new))) => {
                let [before, after] = [HIDDEN, "another one"].map(str::to_owned);
                let change = Change::Text { field, before, after };
                if old.is_echo && new.is_echo { echoes.push(change) } else { told.push(change) }
            }
            (Some(Value::Set(old)), Some(Value::Set(new))) => told.push(set(field, old, new)),
            (Some(Value::Set(old)), None) => told.push(set(field, old, &BTreeSet::new())),
            (None, Some(Value::Set(new))) => told.push(set(field, &BTreeSet::new(), new)),
            (Some(Value::Input { name: old, .. }), Some(Value::Input { name: new, .. }))
                if old == new =>
            {
                inputs.push(new.clone());
            }
            (old, new) => {
                let is = |like: fn(&Value) -> bool| [old, new].into_iter().flatten().all(like);
                let [before, after] = [old, new].map(|value| value.map_or_else(String::new, plain));
                if is(|value| matches!(value, Value::Echo(_))) {
                    echoes.push(Change::Other { field, before, after });
                } else if is(|value| matches!(value, Value::Digest(_))) {
                    told.push(Change::Other { field, before, after });
                } else {
                    told.push(Change::Text { field, before, after });
                }
            }
        }
    }
    if told.is_empty() && inputs.is_empty() {
        told = echoes;
    }
    (told, inputs)
}

fn set(field: &'static str, old: &BTreeSet<String>, new: &BTreeSet<String>) -> Change {
    Change::Set {
        field,
        removed: old.difference(new).cloned().collect(),
        added: new.difference(old).cloned().collect(),
    }
}

/// In the place of what is not shown.
const HIDDEN: &str = "one that is not shown";

/// A value in one text.
pub fn plain(value: &Value) -> String {
    match value {
        Value::Text(text) | Value::Digest(text) | Value::Echo(text) | Value::Unknown(text) => {
            text.clone()
        }
        Value::Hidden(_) => HIDDEN.to_owned(),
        Value::Input { name, .. } => name.clone(),
        Value::Set(members) => {
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            members.join(", ")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certificate(subject: &str, serial: &str, sans: &[&str]) -> Item {
        Item::new("certificate")
            .labelled(subject)
            .text("subject", subject)
            .set("sans", sans.iter().map(ToString::to_string))
            .digest(PUBLIC_KEY, &"k1")
            .echo("serial", &serial)
    }

    fn side(files: &[(&str, Vec<Item>)]) -> Side {
        files.iter().map(|(name, items)| ((*name).to_owned(), items.clone())).collect()
    }

    fn texts(set: &[&str]) -> BTreeSet<String> {
        set.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_thing_is_added_removed_changed_or_the_same() {
        let one = certificate("CN=a", "1", &["x"]);
        let other = certificate("CN=a", "2", &["y"]);
        let before = side(&[
            ("gone", vec![one.clone()]),
            ("kept", vec![one.clone()]),
            ("new-san", vec![one.clone()]),
        ]);
        let after = side(&[
            ("came", vec![one.clone()]),
            ("kept", vec![one.clone()]),
            ("new-san", vec![other]),
        ]);
        let comparison = Comparison::of(&before, &after);
        assert_eq!(
            comparison.added.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
            ["came"]
        );
        assert_eq!(
            comparison.removed.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(),
            ["gone"]
        );
        let [changed] = comparison.changed.as_slice() else { panic!("{comparison:?}") };
        // A serial number always goes along.
        let expected = Change::Set { field: "sans", removed: texts(&["x"]), added: texts(&["y"]) };
        assert_eq!(changed.changes, [expected]);
        assert_eq!(changed.same_key, Some(true));
        assert!(Comparison::of(&before, &before).is_equal());
    }

    #[test]
    fn a_serial_number_alone_is_told() {
        let [before, after] =
            ["1", "2"].map(|serial| side(&[("a", vec![certificate("CN=a", serial, &[])])]));
        let comparison = Comparison::of(&before, &after);
        let expected = Change::Other { field: "serial", before: "1".into(), after: "2".into() };
        assert_eq!(comparison.changed.first().unwrap().changes, [expected]);
    }

    #[test]
    fn in_a_bundle_equal_ones_belong_together_and_then_those_of_one_name() {
        let [old, new] = ["1", "2"].map(|serial| certificate("CN=ca", serial, &[]));
        let other = certificate("CN=other", "3", &[]);
        let third = certificate("CN=third", "4", &[]);
        let before = side(&[("ca.crt", vec![old.clone(), other])]);
        // The new one comes first, as in a rotation.
        let after = side(&[("ca.crt", vec![new, old, third])]);
        let comparison = Comparison::of(&before, &after);
        let names = |all: &[Named]| all.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
        assert_eq!(names(&comparison.added), ["ca.crt CN=ca", "ca.crt CN=third"]);
        assert_eq!(names(&comparison.removed), ["ca.crt CN=other"]);
        assert_eq!(comparison.changed, []);
    }

    #[test]
    fn an_input_that_changed_is_followed_and_another_one_is_a_change() {
        let made_from = |name: &str, digest: &str| {
            let input = Value::Input { name: name.into(), digest: digest.into() };
            side(&[("leaf", vec![Item::new("certificate").field("issuer", input)])])
        };
        let follows = Comparison::of(&made_from("ca/a", "1"), &made_from("ca/a", "2"));
        assert_eq!(follows.follows.first().unwrap().inputs, ["ca/a"]);
        assert!(follows.is_equal());
        let other = Comparison::of(&made_from("ca/a", "1"), &made_from("ca/b", "1"));
        let expected =
            Change::Text { field: "issuer", before: "ca/a".into(), after: "ca/b".into() };
        assert_eq!(other.changed.first().unwrap().changes, [expected]);
    }
}
