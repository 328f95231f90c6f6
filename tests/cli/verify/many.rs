//! Many CAs of one name.

use super::model::{Middle, Model, Old, Shape};
use crate::testkit::made::{CLIENT, Made};

const PLAIN: Shape = Shape {
    control_planes: 1,
    workers: 0,
    external_etcd: false,
    middle: [Middle::None; 2],
    old: Old::None,
    old_first: false,
    rotated: false,
    manifests: false,
    identifiers: true,
    key_usage: true,
    text_between: false,
};

fn ids(model: &Model) -> Vec<&'static str> {
    let mut ids: Vec<&str> = model.findings().iter().map(|finding| finding.rule.id).collect();
    ids.dedup();
    ids
}

/// Each leaf beside its CA, in a folder of its own, with identifiers and without.
#[test]
fn clusters_side_by_side() {
    for identifiers in [true, false] {
        let mut model = Model::new(&Shape { identifiers, ..PLAIN });
        for number in 0..200 {
            let ca = model.ca("kubernetes");
            let leaf = model.leaf_made(&[("CN", "client")], &[CLIENT], &[]);
            model.flat.push((format!("c{number}/ca.pem"), ca.clone(), ca.clone()));
            model.flat.push((format!("c{number}/client.pem"), leaf, ca));
        }
        let expected: &[&str] =
            if identifiers { &[] } else { &["no-authority-key-id", "no-subject-key-id"] };
        assert_eq!(ids(&model), expected);
        // One that none of them signed.
        model.flat[7].1.damaged = true;
        assert!(ids(&model).contains(&"unknown-issuer"));
    }
}

/// Nothing is said of what was not tried to the end.
#[test]
fn a_search_that_takes_too_long() {
    let mut model = Model::new(&PLAIN);
    let leaf = model.leaf_made(&[("CN", "client")], &[CLIENT], &[]);
    let stranger = Made { subject_key_id: None, ..model.ca("many") };
    for number in 0..4_100 {
        let ca = model.ca("many");
        model.flat.push((format!("c{number}.pem"), ca.clone(), ca));
    }
    model.flat.push(("client.pem".into(), leaf, stranger));
    assert_eq!(ids(&model), ["issuer-not-searched", "no-authority-key-id"]);
}
