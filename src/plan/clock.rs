//! Whether the clock can be believed, judged by what the certificates under `out/` say.
//!
//! The lock has no say: a line of it may have come with a merge, and no certificate need be behind it. Nor
//! has a certificate the last word, so a person may overrule this (`--allow clock`).

use super::{Plan, World};
use crate::graph::Recipe;
use crate::name::ArtifactName;
use crate::time::{Span, Timestamp};

/// Why a certificate issued now would probably have wrong dates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClockDoubt {
    /// Earlier than any kpki: a machine without a battery starts in 1970.
    Unset,
    /// Something here begins later.
    Behind { name: ArtifactName, not_before: Timestamp },
    /// No CA here is valid any more; this one was the last.
    AfterEveryCa { name: ArtifactName, not_after: Timestamp },
    /// Nothing was issued for years, while what had to be renewed ended long ago.
    FarAhead { name: ArtifactName, not_before: Timestamp },
}

/// 2020-01-01T00:00:00Z: years before kpki was first released.
const FIRST: i64 = 1_577_836_800;

/// kubeadm's leaves live for a year, so a cluster under care issues something in every year. Two years
/// without are a clock that runs ahead, or a cluster that was dead for a year: there a person is asked, and a
/// cluster that is found dead a few months after its leaves ended needs nobody's word.
const SILENT: Span = Span::days(2 * 365);
/// Where leaves live for ten years, silence is normal. Only beside one that ended this long ago it tells
/// something.
const OVERDUE: Span = Span::days(365);

/// What is known of one certificate.
struct Dated<'a> {
    name: &'a ArtifactName,
    is_ca: bool,
    not_before: Timestamp,
    not_after: Timestamp,
}

/// A doubt, if the plan dates anything by the clock. Dates that the description writes are right whatever it
/// says.
pub fn clock_doubt(world: World<'_>, plan: &Plan, now: Timestamp) -> Option<ClockDoubt> {
    let is_dated = |recipe: &Recipe| recipe.is_ca() || matches!(recipe, Recipe::Leaf(_));
    let graph = world.graph;
    let mut steps = plan.steps.iter();
    if graph.not_before().is_some()
        || !steps.any(|step| step.action.signs() && is_dated(&graph.get(step.derivation).recipe))
    {
        return None;
    }
    let record: Vec<Dated<'_>> = graph
        .ids()
        // Dated by the cluster's clock.
        .filter(|id| !matches!(graph.get(*id).recipe, Recipe::ClusterSigned(_)))
        .filter_map(|id| {
            let facts = world.survey.public_part(id).certificate()?;
            Some(Dated {
                name: &graph.get(id).name,
                is_ca: graph.get(id).recipe.is_ca(),
                not_before: facts.not_before,
                not_after: facts.not_after,
            })
        })
        .collect();
    doubt(&record, now)
}

fn doubt(record: &[Dated<'_>], now: Timestamp) -> Option<ClockDoubt> {
    if now < Timestamp::from_unix(FIRST) {
        return Some(ClockDoubt::Unset);
    }
    let newest = record.iter().max_by_key(|dated| dated.not_before)?;
    if newest.not_before > now {
        return Some(ClockDoubt::Behind {
            name: newest.name.clone(),
            not_before: newest.not_before,
        });
    }
    let cas = record.iter().filter(|dated| dated.is_ca);
    if let Some(last) = cas.max_by_key(|dated| dated.not_after)
        && last.not_after <= now
    {
        return Some(ClockDoubt::AfterEveryCa {
            name: last.name.clone(),
            not_after: last.not_after,
        });
    }
    let overdue = |dated: &Dated<'_>| !dated.is_ca && now.since(dated.not_after) > OVERDUE;
    if now.since(newest.not_before) > SILENT && record.iter().any(overdue) {
        return Some(ClockDoubt::FarAhead {
            name: newest.name.clone(),
            not_before: newest.not_before,
        });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Name, first and last day; of a CA with a star.
    type Row = (&'static str, &'static str, &'static str);

    const TEN_YEARS: Row = ("ca/kubernetes*", "2026-01-01", "2036-01-01");
    const YEAR: Row = ("leaf", "2026-01-01", "2027-01-01");

    fn judged(rows: &[Row], now: &str) -> String {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let names: Vec<ArtifactName> =
            rows.iter().map(|(name, ..)| name.trim_end_matches('*').parse().unwrap()).collect();
        let record: Vec<Dated<'_>> = rows
            .iter()
            .zip(&names)
            .map(|((written, from, to), name)| Dated {
                name,
                is_ca: written.ends_with('*'),
                not_before: time(from),
                not_after: time(to),
            })
            .collect();
        match doubt(&record, time(now)) {
            None => "believed".into(),
            Some(ClockDoubt::Unset) => "unset".into(),
            Some(ClockDoubt::Behind { name, not_before }) => {
                format!("behind {name} {}", not_before.date())
            }
            Some(ClockDoubt::AfterEveryCa { name, not_after }) => {
                format!("after {name} {}", not_after.date())
            }
            Some(ClockDoubt::FarAhead { name, not_before }) => {
                format!("ahead {name} {}", not_before.date())
            }
        }
    }

    #[test]
    fn a_clock_is_held_against_what_is_here() {
        let renewed = ("leaf", "2033-01-01", "2034-01-01");
        let for_ten = ("leaf", "2026-01-01", "2036-01-01");
        let etcd = ("ca/etcd*", "2026-01-01", "2028-01-01");
        let from_far = ("leaf", "2035-06-01", "2036-06-01");
        for (rows, now, expected) in [
            // Nothing is here yet.
            (&[][..], "1970-01-01", "unset"),
            (&[], "2019-12-31", "unset"),
            (&[], "2020-01-01", "believed"),
            (&[], "2099-01-01", "believed"),
            // In order.
            (&[TEN_YEARS, YEAR], "2026-06-01", "believed"),
            // Dead for a while: 14 months, almost two years.
            (&[TEN_YEARS, YEAR], "2027-03-01", "believed"),
            (&[TEN_YEARS, YEAR], "2028-01-01", "believed"),
            // Two years without a word.
            (&[TEN_YEARS, YEAR], "2028-01-03", "ahead leaf 2026-01-01"),
            (&[TEN_YEARS, YEAR], "2035-06-01", "ahead leaf 2026-01-01"),
            // Something was issued meanwhile.
            (&[TEN_YEARS, renewed], "2034-03-01", "believed"),
            (&[TEN_YEARS, YEAR, renewed], "2034-03-01", "believed"),
            // A quiet cluster with long lives.
            (&[TEN_YEARS, for_ten], "2035-06-01", "believed"),
            (&[TEN_YEARS, for_ten, YEAR], "2035-06-01", "ahead leaf 2026-01-01"),
            // A CA that ended is no doubt while another lives.
            (&[TEN_YEARS, etcd, YEAR], "2027-12-01", "believed"),
            (&[TEN_YEARS, YEAR], "2036-01-01", "after ca/kubernetes 2036-01-01"),
            (&[TEN_YEARS, for_ten], "2037-01-01", "after ca/kubernetes 2036-01-01"),
            (&[etcd], "2028-01-01", "after ca/etcd 2028-01-01"),
            // Behind.
            (&[TEN_YEARS, YEAR], "2025-12-31", "behind leaf 2026-01-01"),
            (&[TEN_YEARS, from_far], "2026-06-01", "behind leaf 2035-06-01"),
            (&[TEN_YEARS, YEAR], "1970-01-01", "unset"),
        ] {
            assert_eq!(judged(rows, now), expected, "{now}");
        }
    }
}
