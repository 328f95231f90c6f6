//! One validation of a path, held against two others. Go cannot be one of them: its toolchain is nothing
//! that a test of this repository may need. But its rules are written down, so every disagreement must be a
//! rule of Go's that the other does not have.

mod differences;
mod issued;
mod judges;
mod keys;
mod random;

use differences::{DIFFERENCES, Judge};
use random::{Case, Random, case};

const CASES: usize = 2000;
/// Any number will do; the list is for this one.
const SEED: u64 = 20_250_111;

#[test]
fn others_disagree_only_where_go_has_a_rule_of_its_own() {
    let mut random = Random(SEED);
    let cases: Vec<Case> = (0..CASES).map(|number| case(number, &mut random)).collect();
    let ours: Vec<_> = cases.iter().map(judges::ours).collect();
    let accepted = ours.iter().filter(|verdict| verdict.is_ok()).count();
    assert!((CASES / 3..CASES * 9 / 10).contains(&accepted), "{accepted} of {CASES} are accepted");
    let openssl = judges::openssl(&cases);
    let webpki: Vec<_> = cases.iter().map(judges::webpki).collect();
    let mut met = vec![0; DIFFERENCES.len()];
    let mut unknown = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        for (judge, theirs) in
            [(Judge::OpenSsl, &openssl[number]), (Judge::Webpki, &webpki[number])]
        {
            let ours = &ours[number];
            if ours.is_ok() == theirs.is_ok() {
                continue;
            }
            let said = |verdict: &judges::Verdict, part: &str| match verdict {
                Ok(()) => part.is_empty(),
                Err(why) => !part.is_empty() && why.contains(part),
            };
            let row = DIFFERENCES.iter().position(|row| {
                let is_after = |one: &&str| case.done.iter().any(|done| done.ends_with(one));
                row.judge == judge
                    && said(ours, row.ours)
                    && said(theirs, row.theirs)
                    && (row.after.is_empty() || row.after.iter().any(is_after))
            });
            match row {
                Some(row) => met[row] += 1,
                None => unknown.push(format!(
                    "case {number}, {:?}: kpki {ours:?}, {judge:?} {theirs:?}, after {:?}",
                    case.asks, case.done
                )),
            }
        }
    }
    assert!(
        unknown.is_empty(),
        "seed {SEED}, {} of no row:\n{}",
        unknown.len(),
        unknown.join("\n")
    );
    assert!(DIFFERENCES.iter().all(|row| row.why.contains(".go")), "a reason names Go's file");
    let unmet: Vec<_> = DIFFERENCES.iter().zip(met).filter(|(_, count)| *count == 0).collect();
    assert!(unmet.is_empty(), "seed {SEED}, nothing needs: {unmet:#?}");
}
