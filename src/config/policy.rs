//! Key algorithm, validity, renewal window and revision, wherever they may be written.

use super::block::Block;
use super::fields::{KEY, RENEW_BEFORE, REVISION, VALIDITY};
use super::problem::{At, Problem};
use super::reader::Reader;
use super::shape::One;
use super::tree::Scalar;
use crate::algorithm::KeyAlgorithm;
use crate::spec::{Policy, PolicyOverride, Setting};
use crate::time::Span;
use crate::words::Worded as _;

/// Certificates are backdated by 5 minutes and Kubernetes signs none for less than 10 (CSR API).
const SHORTEST: Span = Span::minutes(10);

/// An override and the places of its parts.
#[derive(Debug, Clone, Default)]
pub struct Written {
    pub policy: PolicyOverride,
    pub validity: Option<At>,
    pub renew_before: Option<At>,
}

impl Reader<'_> {
    pub fn key(&mut self, block: &Block<'_>) -> Option<Setting<KeyAlgorithm>> {
        let value = block.one(KEY)?;
        let key = self.choice(value, KEY.word(), KeyAlgorithm::WORDS)?;
        Some(self.setting(key, value.at))
    }

    pub fn validity(&mut self, block: &Block<'_>) -> Option<Setting<Span>> {
        let validity = self.one(block, VALIDITY)?;
        if validity.value < SHORTEST {
            let at = block.one(VALIDITY).map_or(block.at, |value| value.at);
            self.problem(
                Problem::new(at, "`validity` is shorter than 10 minutes")
                    .help("nothing renews a certificate that fast; common lives are 90d and 365d"),
            );
            return None;
        }
        Some(validity)
    }

    pub fn policy(&mut self, block: &Block<'_>) -> Written {
        let place = |word| block.one(word).map(|value| value.at);
        Written {
            policy: PolicyOverride {
                key: self.key(block),
                validity: self.validity(block),
                renew_before: self.one(block, RENEW_BEFORE),
            },
            validity: place(VALIDITY),
            renew_before: place(RENEW_BEFORE),
        }
    }

    pub fn port(&mut self, block: &Block<'_>, one: One<u16>) -> Option<Setting<u16>> {
        let value = block.one(one)?;
        let port = match value.scalar {
            Scalar::Integer(number) => u16::try_from(number).ok().filter(|port| *port != 0),
            _ => None,
        };
        if port.is_none() {
            let word = one.word();
            let message = format!("`{word}` takes a whole number from 1 to 65535");
            let help = format!("write {word}=8443, without quotes");
            self.problem(Problem::new(value.at, message).help(help));
        }
        port.map(|port| self.setting(port, value.at))
    }

    /// A user or group of the nodes other than root, as `runAsUser` takes it: 0 to 2147483647 (IsValidUserID
    /// of k8s.io/apimachinery's validation).
    pub fn id(&mut self, block: &Block<'_>, one: One<u32>) -> Option<Setting<u32>> {
        let value = block.one(one)?;
        let id = match value.scalar {
            Scalar::Integer(number) => i32::try_from(number).ok().filter(|id| *id > 0),
            _ => None,
        };
        let Some(id) = id else {
            let word = one.word();
            let message = format!("`{word}` takes a number from 1 to 2147483647");
            let help =
                format!("write {word}=65534, without quotes; root is meant where none is written");
            self.problem(Problem::new(value.at, message).help(help));
            return None;
        };
        Some(self.setting(id.unsigned_abs(), value.at))
    }

    /// 1 unless written.
    pub fn revision(&mut self, block: &Block<'_>) -> u32 {
        const LAST: i128 = 1_000_000;
        let Some(value) = block.one(REVISION) else {
            return 1;
        };
        match value.scalar {
            Scalar::Integer(number) if (1..=LAST).contains(&number) => {
                u32::try_from(number).unwrap_or(1)
            }
            _ => {
                self.problem(
                    Problem::new(value.at, "`revision` takes a whole number from 1 to 1000000")
                        .help("raise it by one to force new keys: revision=2"),
                );
                1
            }
        }
    }

    /// A certificate that is always about to expire would be renewed by every run.
    pub fn check_renewal(&mut self, policy: &Policy, nearest: &Written) {
        let Some(at) = nearest.renew_before.or(nearest.validity) else {
            return;
        };
        if let Some(before) = &policy.renew_before
            && before.value >= policy.validity.value
        {
            let problem = Problem::new(
                at,
                format!(
                    "`renew-before` {} is not shorter than `validity` {}",
                    before.value, policy.validity.value
                ),
            );
            self.problem(problem.help(format!(
                "every run would renew it; renew-before is from {}, validity from {}",
                before.origin, policy.validity.origin
            )));
        }
    }
}
