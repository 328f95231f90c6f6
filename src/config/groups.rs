//! All organizations of a certificate, or `#null` for none.

use std::collections::BTreeSet;

use super::block::Block;
use super::problem::Problem;
use super::reader::Reader;
use super::shape::Many;
use super::tree::Scalar;
use crate::name::Organization;
use crate::spec::Setting;

/// `None`: not written, or a mistake.
pub fn read(
    block: &Block<'_>,
    word: Many<Organization>,
    reader: &mut Reader<'_>,
) -> Option<Setting<BTreeSet<Organization>>> {
    let at = block.many(word).first()?.at;
    let is_null = |scalar: &Scalar| matches!(scalar, Scalar::Null);
    if let [only] = block.many(word)
        && is_null(&only.scalar)
    {
        return Some(reader.setting(BTreeSet::new(), at));
    }
    let mut others = block.many(word).iter();
    if let Some(null) = others.find(|value| is_null(&value.scalar)) {
        let word = word.word();
        let problem = Problem::new(null.at, "`#null` stands for no organization at all");
        reader.problem(problem.help(format!("write {word} #null alone, or delete it here")));
        return None;
    }
    let all = reader.list(block, word);
    let all = all.into_iter().map(|(organization, _)| organization).collect();
    Some(reader.setting(all, at))
}
