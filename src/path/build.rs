//! The search for a path (`Verify` and `buildChains` of crypto/x509): depth first, anchors before
//! intermediates, and never more than 100 signatures.

use super::candidate::{candidates, is_in, judge, judge_itself};
use super::chain::Chain;
use super::reader::Reader;
use super::reason::Reason;
use super::refusal::Refusal;
use super::unknown::{UnknownAuthority, nearest};
use super::{host, name_constraints, policies, usages};
use crate::holdings::Certificate;

/// As Go has it: enough for several long chains, and for CAs of one name.
const MAX_SIGNATURES: usize = 100;

/// # Errors
///
/// Of everything that fails, what got furthest.
pub fn validate<'a>(leaf: &'a Certificate, reader: &Reader<'a>) -> Result<Chain<'a>, Refusal<'a>> {
    let refuse = |reason| Refusal { reason, certificate: leaf, path: vec![leaf] };
    judge_itself(leaf, reader.at).map_err(refuse)?;
    if let Some(name) = reader.name {
        host::check(&leaf.facts, name).map_err(refuse)?;
    }
    let mut search = Search { reader, signatures: 0, chains: Vec::new(), failure: None };
    if is_in(leaf, reader.anchors) {
        search.chains.push(vec![leaf]);
    } else {
        search.above(&[leaf]);
    }
    search.decide(leaf)
}

struct Search<'r, 'a> {
    reader: &'r Reader<'a>,
    signatures: usize,
    chains: Vec<Vec<&'a Certificate>>,
    failure: Option<Failure<'a>>,
}

/// A path that ended, and how far it got: later stages of longer paths come closer to the truth.
struct Failure<'a> {
    stage: Stage,
    refusal: Refusal<'a>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// Nobody known signed it.
    Unknown,
    /// Who signed it must not, or does not count at this time.
    Candidate,
    /// The path reaches an anchor.
    Complete,
}

impl<'a> Search<'_, 'a> {
    /// Goes on from the last certificate of `path`.
    fn above(&mut self, path: &[&'a Certificate]) {
        let Some(child) = path.last().copied() else { return };
        let mut found_signer = false;
        for (is_anchor, pool) in [(true, self.reader.anchors), (false, self.reader.intermediates)] {
            for candidate in candidates(child, pool) {
                self.signatures += 1;
                if self.signatures > MAX_SIGNATURES {
                    return;
                }
                match judge(path, candidate, is_anchor, self.reader.at) {
                    Ok(None) => {}
                    Ok(Some(())) => {
                        found_signer = true;
                        let longer = [path, &[candidate]].concat();
                        if is_anchor {
                            self.chains.push(longer);
                        } else {
                            self.above(&longer);
                        }
                    }
                    Err((reason, certificate)) => {
                        found_signer = true;
                        let path = [path, &[candidate]].concat();
                        self.fail(Stage::Candidate, Refusal { reason, certificate, path });
                    }
                }
            }
        }
        if !found_signer {
            let known = self.reader.anchors.iter().chain(self.reader.intermediates).copied();
            let known = known.filter(|one| !is_in(one, path));
            let reason = Reason::UnknownAuthority(nearest(child, known));
            self.fail(Stage::Unknown, Refusal { reason, certificate: child, path: path.to_vec() });
        }
    }

    /// Keeps what got furthest, of equals the first.
    fn fail(&mut self, stage: Stage, refusal: Refusal<'a>) {
        let rank = |stage, refusal: &Refusal<'_>| {
            let is_near = !matches!(
                refusal.reason,
                Reason::UnknownAuthority(UnknownAuthority::NoSuchName { .. })
            );
            (stage, is_near, refusal.path.len())
        };
        let rank_of_best = self.failure.as_ref().map(|best| rank(best.stage, &best.refusal));
        if rank_of_best.is_none_or(|best| rank(stage, &refusal) > best) {
            self.failure = Some(Failure { stage, refusal });
        }
    }

    /// The first chain that holds as a whole.
    fn decide(mut self, leaf: &'a Certificate) -> Result<Chain<'a>, Refusal<'a>> {
        for chain in std::mem::take(&mut self.chains) {
            match self.whole(&chain) {
                Ok(()) => return Ok(Chain(chain)),
                Err((reason, certificate)) => {
                    self.fail(Stage::Complete, Refusal { reason, certificate, path: chain });
                }
            }
        }
        let is_complete = self.failure.as_ref().is_some_and(|best| best.stage == Stage::Complete);
        match self.failure {
            Some(best) if is_complete || self.signatures <= MAX_SIGNATURES => Err(best.refusal),
            _ => Err(Refusal { reason: Reason::TooMuchWork, certificate: leaf, path: vec![leaf] }),
        }
    }

    fn whole(&self, chain: &[&'a Certificate]) -> Result<(), (Reason, &'a Certificate)> {
        if let (Some(leaf), false) = (chain.first(), policies::are_valid(chain)) {
            return Err((Reason::Policies, leaf));
        }
        if let Some(usage) = self.reader.usage {
            usages::check(chain, usage)?;
        }
        name_constraints::check(chain)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::ExtendedKeyUsage;
    use crate::path::made::*;
    use crate::time::Timestamp;

    fn read(der: &[u8]) -> Certificate {
        Certificate::from_der(der).unwrap()
    }

    /// What a client that trusts `anchors` says of a server's certificate.
    fn said_of(leaf: &[u8], intermediates: &[Vec<u8>], anchors: &[Vec<u8>]) -> String {
        let leaf = read(leaf);
        let certificates = |all: &[Vec<u8>]| all.iter().map(|der| read(der)).collect::<Vec<_>>();
        let (intermediates, anchors) = (certificates(intermediates), certificates(anchors));
        let reader = Reader {
            anchors: &anchors.iter().collect::<Vec<_>>(),
            intermediates: &intermediates.iter().collect::<Vec<_>>(),
            usage: Some(&ExtendedKeyUsage::Server),
            name: Some("api.lab"),
            at: Timestamp::from_unix(START + 10 * DAY),
        };
        match validate(&leaf, &reader) {
            Ok(chain) => format!("a chain of {}", chain.certificates().len()),
            Err(refusal) => refusal.to_string(),
        }
    }

    fn leaf() -> Made {
        Made { sans: vec!["DNS:api.lab".into()], ..Made::leaf("api") }
    }

    type Change = fn(&mut [Made; 3]);

    /// A root, a CA below it and a leaf; what is done to each of them, and what a reader says.
    #[test]
    fn each_rule_names_the_certificate_that_breaks_it() {
        let plain = [Made::ca("root", 1), Made::ca("sub", 2), leaf()];
        let cases: &[(Change, &str)] = &[
            (|_| {}, "a chain of 3"),
            (|all| all[0].key_usage = Some(KEY_CERT_SIGN), "a chain of 3"),
            (|all| all[0].key_usage = Some(DIGITAL_SIGNATURE), "CN=root: its key usage is without"),
            (|all| all[1].key_usage = Some(DIGITAL_SIGNATURE), "CN=sub: its key usage is without"),
            (|all| all[0].constraints = None, "CN=root: it has no basicConstraints"),
            (|all| (all[0].constraints, all[0].version) = (None, 1), "a chain of 3"),
            (|all| (all[1].constraints, all[1].version) = (None, 1), "CN=sub: it has no basicCon"),
            (|all| all[1].constraints = Some((false, None)), "CN=sub: it is no CA (basicConstr"),
            (|all| all[0].constraints = Some((true, Some(0))), "CN=root: it allows 0 CAs below"),
            (|all| all[0].constraints = Some((true, Some(1))), "a chain of 3"),
            (|all| all[1].constraints = Some((true, Some(0))), "a chain of 3"),
            (|all| all[0].usages = Some(vec![CLIENT]), "CN=root: its extended key usage is client"),
            (|all| all[1].usages = Some(vec![SERVER, CLIENT]), "a chain of 3"),
            (|all| all[1].usages = Some(vec![ANY_USAGE]), "a chain of 3"),
            (|all| all[1].usages = Some(vec![]), "a chain of 3"),
            (|all| all[2].usages = Some(vec![CLIENT]), "CN=api: its extended key usage is client"),
            (|all| all[0].until = START, "CN=root: it expired on"),
            (|all| all[1].from = START + 11 * DAY, "CN=sub: it is not valid before"),
            (|all| all[2].until = START + 10 * DAY, "a chain of 3"),
            (|all| all[2].until = START + 10 * DAY - 1, "CN=api: it expired on"),
            (
                |all| all[0].permitted = vec!["DNS:acme".into()],
                "CN=root: its name constraints do not permit the DNS name \"api.lab\", which CN=api has",
            ),
            (
                |all| all[1].excluded = vec!["DNS:lab".into()],
                "CN=sub: its name constraints exclude lab",
            ),
            // Its own constraints are for those below it.
            (|all| all[2].permitted = vec!["DNS:acme".into()], "a chain of 3"),
            (
                |all| all[0].permitted = vec!["dir:acme".into()],
                "CN=root: its critical extension name constraints (2.5.29.30)",
            ),
            (
                |all| {
                    all[0].permitted = vec!["dir:acme".into()];
                    all[0].critical = false;
                },
                "a chain of 3",
            ),
            (
                |all| all[0].more = vec![("1.2.3.4", true, vec![5, 0])],
                "CN=root: its critical extension 1.2.3.4 is one",
            ),
            (
                |all| all[2].more = vec![("1.2.3.4", true, vec![5, 0])],
                "CN=api: its critical extension 1.2.3.4 is one",
            ),
            (|all| all[2].more = vec![("1.2.3.4", false, vec![5, 0])], "a chain of 3"),
            (
                |all| all[2].sans = vec!["DNS:lab".into()],
                "CN=api: it is not for api.lab, only for lab",
            ),
            (
                |all| all[1].damaged = true,
                "CN=sub: it was issued by CN=root, and its signature is not",
            ),
            (
                |all| all[1].issuer = Some(name(UTF8, "root")),
                "CN=sub: it names its issuer CN=root as a UTF8String, the CA of that name that is known here, over \
                 the same key as a PrintableString: to Kubernetes these are two names, since it compares bytes",
            ),
            (
                |all| all[1].issuer = Some(name(PRINTABLE, "other")),
                "CN=sub: it was issued by CN=other, and no CA of that name is trusted",
            ),
            (
                |all| {
                    all[0].subject_key_id = Some(vec![1]);
                    (all[1].authority_key_id, all[1].damaged) = (Some(vec![2]), true);
                },
                "CN=sub: it was issued by CN=root, and the CA of that name that is known here has another key",
            ),
        ];
        for (number, (change, said)) in cases.iter().enumerate() {
            let mut all = plain.clone();
            change(&mut all);
            let [root, sub, leaf] = &all;
            let found =
                said_of(&leaf.signed_by(sub), &[sub.signed_by(root)], &[root.self_signed()]);
            assert!(found.starts_with(said), "{number}: {found}");
        }
    }

    #[test]
    fn an_anchor_is_what_the_reader_loads() {
        let (root, sub) = (Made::ca("root", 1), Made::ca("sub", 2));
        let (below, itself) = (leaf().signed_by(&sub), leaf().self_signed());
        assert_eq!(said_of(&below, &[], &[sub.signed_by(&root)]), "a chain of 2");
        assert_eq!(said_of(&itself, &[], std::slice::from_ref(&itself)), "a chain of 1");
        let found = said_of(&below, &[sub.signed_by(&root), root.self_signed()], &[]);
        assert!(
            found.starts_with("CN=root: it was issued by CN=root, and no CA of that"),
            "{found}"
        );
    }

    #[test]
    fn of_two_paths_one_that_holds_is_enough() {
        let (root, old) = (Made::ca("root", 1), Made { until: START, ..Made::ca("root", 1) });
        let below = leaf().signed_by(&root);
        let anchors = [old.self_signed(), root.self_signed()];
        assert_eq!(said_of(&below, &[], &anchors), "a chain of 2");
    }

    #[test]
    fn a_hundred_signatures_are_enough() {
        let cas: Vec<_> = (0..101).map(|key| Made::ca("root", key + 10).self_signed()).collect();
        let by = |key| leaf().signed_by(&Made::ca("root", key));
        assert_eq!(said_of(&by(109), &[], &cas), "a chain of 2");
        assert!(said_of(&by(110), &[], &cas).contains("more than 100 signatures"));
    }

    #[test]
    fn cas_that_signed_each_other_are_no_endless_path() {
        let (a, b) = (Made::ca("a", 1), Made::ca("b", 2));
        let circle = [a.signed_by(&b), b.signed_by(&a)];
        let found = said_of(&leaf().signed_by(&a), &circle, &[]);
        assert!(found.starts_with("CN=b: it was issued by CN=a"), "{found}");
    }
}
