//! Extended key usages down a chain (`checkChainForKeyUsage` of crypto/x509): the leaf must have the one that
//! is wanted, and so must every certificate above it that states any, the anchor included.

use super::reason::Reason;
use crate::facts::{CertificateFacts, ExtendedKeyUsage};
use crate::holdings::Certificate;

const ANY: &str = "2.5.29.37.0";

/// The one nearest to the anchor that does not pass the usage on. `chain` has the leaf first.
pub(super) fn check<'a>(
    chain: &[&'a Certificate],
    wanted: &ExtendedKeyUsage,
) -> Result<(), (Reason, &'a Certificate)> {
    let breaks = |(_, one): &(usize, &&Certificate)| !passes_on(&one.facts, wanted);
    match chain.iter().enumerate().rev().find(breaks) {
        None => Ok(()),
        Some((position, one)) => {
            let has = one.facts.extended_key_usage.iter().cloned().collect();
            let reason = Reason::Usage { wanted: wanted.clone(), has, is_leaf: position == 0 };
            Err((reason, *one))
        }
    }
}

fn passes_on(facts: &CertificateFacts, wanted: &ExtendedKeyUsage) -> bool {
    let usages = &facts.extended_key_usage;
    let is_any =
        |usage: &ExtendedKeyUsage| matches!(usage, ExtendedKeyUsage::Other(oid) if oid == ANY);
    usages.is_empty() || usages.contains(wanted) || usages.iter().any(is_any)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::path::made::{ANY_USAGE, CLIENT, Made, SERVER};

    /// The leaf first.
    #[test]
    fn a_usage_that_is_stated_anywhere_counts_everywhere_below() {
        for (usages, is_client) in [
            ([None, None], true),
            ([Some(CLIENT), None], true),
            ([Some(SERVER), None], false),
            ([Some(CLIENT), Some(CLIENT)], true),
            ([Some(CLIENT), Some(SERVER)], false),
            ([None, Some(SERVER)], false),
            ([Some(CLIENT), Some(ANY_USAGE)], true),
            ([Some(ANY_USAGE), Some(CLIENT)], true),
        ] {
            let made = usages.map(|usage| {
                let made = Made { usages: usage.map(|usage| vec![usage]), ..Made::ca("a", 0) };
                Certificate::from_der(&made.self_signed()).unwrap()
            });
            let chain: Vec<_> = made.iter().collect();
            assert_eq!(check(&chain, &ExtendedKeyUsage::Client).is_ok(), is_client, "{usages:?}");
        }
    }
}
