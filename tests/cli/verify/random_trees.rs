//! Whatever form a good cluster has, it has no error; and one mistake in it is found, for its own reason.

use proptest::prelude::*;

use super::model::{Middle, Model, Old, Shape};

pub fn shapes() -> impl Strategy<Value = Shape> {
    let middle = prop_oneof![Just(Middle::None), Just(Middle::InFiles), Just(Middle::Anchor)];
    let old = prop_oneof![Just(Old::None), Just(Old::Valid), Just(Old::Expired)];
    let sizes = (1..=3_usize, 0..=2_usize, any::<bool>());
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (sizes, [middle.clone(), middle], old, flags, any::<bool>()).prop_map(
        |((control_planes, workers, external_etcd), middle, old, flags, text_between)| {
            let (old_first, rotated, manifests, identifiers, key_usage) = flags;
            Shape {
                control_planes,
                workers,
                external_etcd,
                middle,
                old,
                old_first,
                rotated,
                manifests,
                identifiers,
                key_usage,
                text_between,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_good_cluster_has_no_error(shape in shapes()) {
        let errors = Model::new(&shape).errors();
        prop_assert!(errors.is_empty(), "{errors:#?}");
    }
}
