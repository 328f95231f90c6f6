//! Random chains: a right one, and up to four things done to it.

use crate::testkit::made::*;

/// 2025-01-11, while everything is valid that nothing was done to.
pub const AT: i64 = START + 10 * DAY;
pub const LEAF_IS_ANCHOR: &str = "the leaf is an anchor";
pub const DIALLED: &str = "api.lab";

/// A generator that gives the same numbers for the same seed (splitmix64, Steele and others 2014).
pub struct Random(pub u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end).unwrap()).unwrap()
    }

    pub fn one<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// What a reader asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asks {
    Server,
    /// With the name [`DIALLED`].
    ServerNamed,
    Client,
    Any,
}

pub const ASKS: [Asks; 4] = [Asks::Server, Asks::ServerNamed, Asks::Client, Asks::Any];

pub struct Case {
    pub asks: Asks,
    pub leaf: Vec<u8>,
    pub intermediates: Vec<Vec<u8>>,
    pub anchors: Vec<Vec<u8>>,
    /// What was done, for a person to read.
    pub done: Vec<String>,
}

/// Policies, mappings of them, or that no policy stands for all.
fn policies(random: &mut Random) -> (&'static str, bool, Vec<u8>) {
    let all = ["1.3.6.1.4.1.55555.2", "1.3.6.1.4.1.55555.3", "2.5.29.32.0"];
    let [one, other] = [random.below(3), random.below(3)].map(|at| oid(all[at]));
    match random.below(6) {
        0 => ("2.5.29.33", false, sequence(&[&sequence(&[&one, &other])])),
        1 => ("2.5.29.54", false, element(2, &[&[*random.one(&[0, 1])]])),
        2 if one != other => {
            ("2.5.29.32", false, sequence(&[&sequence(&[&one]), &sequence(&[&other])]))
        }
        _ => ("2.5.29.32", false, sequence(&[&sequence(&[&one])])),
    }
}

/// A chain while it is made: the root first, the leaf last.
struct Chain {
    number: usize,
    all: Vec<Made>,
    /// Beside the chain, with who signed it.
    more_anchors: Vec<(Made, Made)>,
    more_intermediates: Vec<(Made, Made)>,
    /// Where the anchor stands in `all`.
    anchor: usize,
    without_intermediates: bool,
    root_comes_along: bool,
    done: Vec<String>,
}

/// Names are of one case alone, so that a reader may be given those of all cases at once.
pub fn case(number: usize, random: &mut Random) -> Case {
    let length = 1 + random.below(4);
    let base = u32::try_from(number % 400 * 10).unwrap();
    let title = |role: usize| format!("c{number}-{role}");
    let mut all: Vec<Made> =
        (0..length).map(|at| Made::ca(&title(at), base + u32::try_from(at).unwrap())).collect();
    if length > 1 {
        let leaf = all.last_mut().unwrap();
        leaf.constraints = None;
        leaf.sans = vec!["DNS:api.lab".into(), "IP:10.96.0.1".into()];
        let usages = [None, Some(vec![SERVER, CLIENT]), Some(vec![SERVER, CLIENT])];
        leaf.usages.clone_from(random.one(&usages));
    } else {
        all[0].sans = vec!["DNS:api.lab".into()];
        all[0].constraints = *random.one(&[None, Some((true, None))]);
    }
    let mut chain = Chain {
        number,
        all,
        more_anchors: Vec::new(),
        more_intermediates: Vec::new(),
        anchor: 0,
        without_intermediates: false,
        root_comes_along: false,
        done: Vec::new(),
    };
    for _ in 0..random.below(5) {
        chain.change(random);
    }
    chain.finish(*random.one(&ASKS))
}

impl Chain {
    fn change(&mut self, random: &mut Random) {
        let at = random.below(self.all.len());
        let last = self.all.len() - 1;
        let number = self.number;
        let base = self.all[0].key;
        let anchor = self.all[0].clone();
        let above = self.all[at.saturating_sub(1)].clone();
        let mut more = None;
        let one = &mut self.all[at];
        let done = match random.below(33) {
            0 => {
                let usage =
                    [KEY_CERT_SIGN, DIGITAL_SIGNATURE, KEY_CERT_SIGN | DIGITAL_SIGNATURE, 0x0200];
                one.key_usage = Some(*random.one(&usage));
                "key usage"
            }
            1 => {
                one.constraints = *random.one(&[None, Some((false, None)), Some((true, None))]);
                "constraints"
            }
            2 => {
                one.constraints = Some((true, Some(*random.one(&[0, 0, 1, 2]))));
                "path length"
            }
            3 => {
                (one.version, one.constraints) = (1, None);
                "version 1"
            }
            4 | 5 => {
                let usages: [Option<Vec<_>>; 6] = [
                    None,
                    Some(vec![SERVER]),
                    Some(vec![CLIENT]),
                    Some(vec![SERVER, CLIENT]),
                    Some(vec![ANY_USAGE]),
                    Some(vec!["1.3.6.1.5.5.7.3.3"]),
                ];
                one.usages.clone_from(random.one(&usages));
                "usages"
            }
            6 => {
                one.until = *random.one(&[AT - 1, AT, AT - DAY]);
                "until"
            }
            7 => {
                one.from = *random.one(&[AT, AT + 1, AT + DAY]);
                "from"
            }
            8 => {
                let critical = *random.one(&[true, true, false]);
                one.more.retain(|(known, _, _)| *known != "1.3.6.1.4.1.55555.1");
                one.more.push(("1.3.6.1.4.1.55555.1", critical, vec![5, 0]));
                if critical { "unknown critical" } else { "unknown" }
            }
            9 | 10 => {
                let names = ["DNS:lab", "DNS:.lab", "DNS:api.lab", "DNS:acme", "DNS:", "DNS:LAB"];
                one.permitted.push((*random.one(&names)).into());
                "permitted DNS"
            }
            11 => {
                one.excluded
                    .push((*random.one(&["DNS:lab", "DNS:x.api.lab", "DNS:b", "DNS:"])).into());
                "excluded DNS"
            }
            12 => {
                let nets =
                    ["IP:10.96.0.0/255.255.0.0", "IP:192.168.0.0/255.255.0.0", "IP:fd00::/ff00::"];
                let list =
                    if random.below(2) == 0 { &mut one.permitted } else { &mut one.excluded };
                list.push((*random.one(&nets)).into());
                "IP constraint"
            }
            13 => {
                let others = ["dir:acme", "email:lab", "email:jane@lab", "URI:lab", "URI:.lab"];
                let list =
                    if random.below(2) == 0 { &mut one.permitted } else { &mut one.excluded };
                list.push((*random.one(&others)).into());
                "other constraint"
            }
            14 => {
                one.critical = false;
                "nothing critical"
            }
            15 => {
                let names = [
                    "DNS:*.lab",
                    "DNS:lab",
                    "DNS:Api.LAB",
                    "IP:10.0.0.1",
                    "IP:fd00::1",
                    "DNS:a.b",
                    "email:jane@lab",
                    "email:jane@x.lab",
                    "URI:https://a.lab/x",
                    "URI:urn:x",
                    "URI:https://10.0.0.1/",
                    "DNS:-x.lab",
                    "dir:x",
                ];
                one.sans.push((*random.one(&names)).into());
                "more names"
            }
            16 => {
                one.sans.clear();
                "no names"
            }
            17 => {
                one.damaged = true;
                "damaged"
            }
            18 => {
                one.subject_key_id = Some(vec![u8::try_from(at).unwrap(); 4]);
                "key identifier"
            }
            19 => {
                one.authority_key_id = Some(vec![9; 4]);
                "other authority key identifier"
            }
            20 => {
                one.issuer = Some(name(UTF8, &format!("c{number}-{}", at.saturating_sub(1))));
                "issuer in UTF8"
            }
            21 => {
                one.issuer = Some(name(PRINTABLE, &format!("C{number}-{}", at.saturating_sub(1))));
                "issuer in capitals"
            }
            22 => {
                // Self-issued, and not self-signed.
                one.subject.clone_from(&above.subject);
                "named as its issuer"
            }
            23 => {
                self.anchor = random.below(last + 1);
                "another anchor"
            }
            24 => {
                self.without_intermediates = true;
                "no intermediates"
            }
            25 => {
                self.root_comes_along = true;
                "the root comes along"
            }
            29 | 30 => {
                let more = policies(random);
                // One extension twice is no matter of paths.
                one.more.retain(|(known, _, _)| *known != more.0);
                one.more.push(more);
                "policies"
            }
            31 => {
                let (tag, after) = (*random.one(&[0x80, 0x81]), *random.one(&[0, 0, 1, 2]));
                one.more.retain(|(known, _, _)| *known != "2.5.29.36");
                one.more.push(("2.5.29.36", false, sequence(&[&element(tag, &[&[after]])])));
                "policy constraints"
            }
            26 => {
                more = Some(Made { key: base + 9, ..anchor.clone() });
                "a namesake of another key"
            }
            27 => {
                more = Some(Made { until: AT - DAY, serial: vec![7], ..anchor.clone() });
                "an expired twin"
            }
            28 => {
                more = Some(Made { usages: Some(vec![CLIENT]), serial: vec![8], ..anchor.clone() });
                "a twin for clients"
            }
            _ => {
                let sub = Made { serial: vec![9], ..one.clone() };
                let other = Made { key: base + 8, ..anchor.clone() };
                self.more_intermediates.push((sub, other));
                "signed by another one as well"
            }
        };
        self.done.push(format!("{at}: {done}"));
        if let Some(more) = more {
            if random.below(2) == 0 {
                self.more_anchors.push((more.clone(), more));
            } else {
                self.more_anchors.insert(0, (more.clone(), more));
            }
        }
    }

    fn finish(self, asks: Asks) -> Case {
        let last = self.all.len() - 1;
        let signed = |at: usize| self.all[at].signed_by(&self.all[at.saturating_sub(1)]);
        let mut anchors: Vec<Vec<u8>> =
            self.more_anchors.iter().map(|(one, by)| one.signed_by(by)).collect();
        anchors.push(signed(self.anchor));
        let mut intermediates: Vec<Vec<u8>> = Vec::new();
        if !self.without_intermediates {
            intermediates.extend((1..last).rev().map(signed));
        }
        if self.root_comes_along && last > 0 {
            intermediates.push(signed(0));
        }
        intermediates.extend(self.more_intermediates.iter().map(|(one, by)| one.signed_by(by)));
        let (leaf, mut done) = (signed(last), self.done);
        if anchors.contains(&leaf) {
            done.push(LEAF_IS_ANCHOR.into());
        }
        Case { asks, leaf, intermediates, anchors, done }
    }
}
