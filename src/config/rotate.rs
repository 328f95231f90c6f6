//! A description with other key pairs of one root of trust: every byte that says something else stays.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;

use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};

use super::fields::REVISION;
use super::report::SourceFile;
use super::{ca, component, keypair};
use crate::edit::{Edit, apply};
use crate::spec::{Component, Keypair, KeypairState, Root, Spec};
use crate::visible::printable;

/// One line that the description should have; `state`: `None` where it signs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeypairLine {
    pub number: Keypair,
    pub state: Option<KeypairState>,
    /// Of a brought CA: relative to the description.
    pub certificate: Option<String>,
}

/// The lines that say what there is now.
pub fn keypair_lines(spec: &Spec, root: Root) -> Vec<KeypairLine> {
    let line = |number, state, certificate| KeypairLine { number, state, certificate };
    match root {
        Root::ServiceAccount => {
            let keys = &spec.service_account;
            let others = keys.others.iter().map(|number| (*number, Some(KeypairState::Trusted)));
            let all = std::iter::once((keys.signer, None)).chain(others);
            all.map(|(number, state)| line(number, state, None)).collect()
        }
        Root::Ca(name) => {
            let Some(authority) = spec.cas.get(&name) else { return Vec::new() };
            let others = authority.others.iter().map(|other| (&other.ca, Some(other.state)));
            let all = std::iter::once((&authority.signer, None)).chain(others);
            let path = |ca: &crate::spec::Ca| Some(ca.brought.as_ref()?.path.to_string());
            all.map(|(ca, state)| line(ca.number, state, path(ca))).collect()
        }
    }
}

/// The file to change, and its new text; `None`: this description has to be edited by hand.
pub fn with_keypairs(
    files: &[SourceFile],
    root: Root,
    wanted: &[KeypairLine],
) -> Option<(Arc<str>, String)> {
    let mut wanted = wanted.to_vec();
    wanted.sort_by_key(|line| line.number);
    for file in files {
        let document = KdlDocument::parse_v2(&file.text).ok()?;
        let is_it = |node: &&KdlNode| is_block_of(node, root);
        if let Some(node) = document.nodes().iter().find(is_it) {
            let text = in_block(&file.text, node, &wanted)?;
            return Some((file.name.clone(), text));
        }
    }
    let file = files.first()?;
    let mut text = file.text.to_string();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let (word, name) = names(root);
    let all = joined(&wanted);
    let _ = writeln!(text, "{word} \"{name}\" {{ {all} }}"); // a String takes everything
    Some((file.name.clone(), text))
}

fn names(root: Root) -> (&'static str, &'static str) {
    match root {
        Root::Ca(name) => (ca::SHAPE.word, name.as_str()),
        Root::ServiceAccount => (component::SHAPE.word, Component::ServiceAccount.as_str()),
    }
}

fn is_block_of(node: &KdlNode, root: Root) -> bool {
    let (word, name) = names(root);
    let first = node.entries().iter().find(|entry| entry.name().is_none());
    node.name().value() == word
        && first
            .is_some_and(|entry| matches!(entry.value(), KdlValue::String(text) if text == name))
}

fn joined(all: &[KeypairLine]) -> String {
    all.iter().map(written).collect::<Vec<_>>().join("; ")
}

fn written(line: &KeypairLine) -> String {
    let mut text = format!("{} {}", keypair::SHAPE.word, line.number);
    if let Some(state) = line.state {
        let _ = write!(text, " {}=\"{}\"", keypair::STATE.word(), state.as_str());
    }
    if let Some(certificate) = &line.certificate {
        let quoted = printable(certificate).replace('\\', "\\\\").replace('"', "\\\"");
        let _ = write!(text, " {}=\"{quoted}\"", keypair::CERTIFICATE.word());
    }
    text
}

/// Where a node stands, without the space behind it.
fn range(text: &str, offset: usize, length: usize) -> Option<Range<usize>> {
    let whole = text.get(offset..offset + length)?;
    Some(offset..offset + whole.trim_end().len())
}

fn in_block(text: &str, node: &KdlNode, wanted: &[KeypairLine]) -> Option<String> {
    let span = |node: &KdlNode| range(text, node.span().offset(), node.span().len());
    let whole = span(node)?;
    let nodes = node.children().map_or(&[][..], KdlDocument::nodes);
    let mut edits = Vec::new();
    let mut known: Vec<(u32, Range<usize>)> = Vec::new();
    for child in nodes.iter().filter(|child| child.name().value() == keypair::SHAPE.word) {
        let number = child.entries().iter().find(|entry| entry.name().is_none())?;
        let KdlValue::Integer(number) = number.value() else { return None };
        known.push((u32::try_from(*number).ok()?, span(child)?));
    }
    let mut missing = Vec::new();
    for line in wanted {
        let number = line.number.to_string();
        match known.iter().find(|(known, _)| known.to_string() == number) {
            Some((_, range)) if text.get(range.clone()) != Some(written(line).as_str()) => {
                edits.push(Edit::replace(range.clone(), written(line)));
            }
            Some(_) => {}
            None => missing.push(line.clone()),
        }
    }
    let is_gone =
        |number: &u32| !wanted.iter().any(|line| line.number.to_string() == number.to_string());
    for (_, range) in known.iter().filter(|(number, _)| is_gone(number)) {
        edits.push(Edit::replace(with_its_end(text, range.clone()), ""));
    }
    // What spoke of the one key pair that there was, and what counted the keys of the first one.
    let no_first = !wanted.iter().any(|line| line.number == Keypair::FIRST);
    let certificate = known.is_empty().then_some(keypair::CERTIFICATE.word());
    let gone = certificate.into_iter().chain(no_first.then_some(REVISION.word()));
    for word in gone {
        let named = |entry: &&KdlEntry| entry.name().is_some_and(|name| name.value() == word);
        for entry in node.entries().iter().filter(named) {
            let span = range(text, entry.span().offset(), entry.span().len())?;
            let before = text.get(..span.start)?.trim_end_matches(' ').len();
            edits.push(Edit::replace(before..span.end, ""));
        }
        for child in nodes.iter().filter(|child| child.name().value() == word) {
            edits.push(Edit::replace(with_its_end(text, span(child)?), ""));
        }
    }
    if !missing.is_empty() {
        let stays = known.iter().rfind(|(number, _)| !is_gone(number));
        edits.push(match (stays, nodes.first()) {
            (Some((_, last)), _) => match own_line(text, last) {
                Some((indent, end)) => {
                    let lines = missing.iter().map(|line| format!("\n{indent}{}", written(line)));
                    Edit::insert(end, lines.collect::<String>())
                }
                None => Edit::insert(last.end, format!("; {}", joined(&missing))),
            },
            (None, Some(first)) => {
                let first = span(first)?;
                match own_line(text, &first) {
                    Some((indent, _)) => {
                        let lines =
                            missing.iter().map(|line| format!("{}\n{indent}", written(line)));
                        Edit::insert(first.start, lines.collect::<String>())
                    }
                    None => Edit::insert(first.start, format!("{}; ", joined(&missing))),
                }
            }
            (None, None) if node.children().is_some() => {
                let open = text.get(whole.clone())?.rfind('{')? + whole.start + 1;
                Edit::insert(open, format!(" {} ", joined(&missing)))
            }
            (None, None) => Edit::insert(whole.end, format!(" {{ {} }}", joined(&missing))),
        });
    }
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    apply(text, &edits).ok()
}

/// The indent of a node that begins its line, and where that line ends.
fn own_line<'t>(text: &'t str, node: &Range<usize>) -> Option<(&'t str, usize)> {
    let start = text.get(..node.start)?.rfind('\n').map_or(0, |at| at + 1);
    let indent = text.get(start..node.start)?;
    let end = text.get(node.end..)?.find('\n').map(|at| node.end + at)?;
    indent.trim().is_empty().then_some((indent, end))
}

/// With the line, where it has one of its own, or with the semicolon behind or before it.
fn with_its_end(text: &str, node: Range<usize>) -> Range<usize> {
    let after = text.get(node.end..).unwrap_or_default();
    if let Some((indent, end)) = own_line(text, &node) {
        let rest = text.get(node.end..end).unwrap_or_default();
        if rest.trim().is_empty() {
            return node.start - indent.len()..end + 1;
        }
        // What is said of it stays.
        if rest.trim_start().starts_with("//") {
            return node.start..node.end + rest.len() - rest.trim_start().len();
        }
    }
    if let Some(rest) = after.strip_prefix(';') {
        let spaces = rest.len() - rest.trim_start_matches(' ').len();
        return node.start..node.end + 1 + spaces;
    }
    let before = text.get(..node.start).unwrap_or_default();
    let start = match before.trim_end_matches(' ').strip_suffix(';') {
        Some(before) => before.len(),
        None => node.start,
    };
    start..node.end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::CaName;

    fn line(number: u32, state: Option<KeypairState>) -> KeypairLine {
        KeypairLine { number: Keypair::new(number).unwrap(), state, certificate: None }
    }

    #[test]
    fn everything_else_stays_byte_for_byte() {
        let trusted = Some(KeypairState::Trusted);
        let trust = [line(1, None), line(2, trusted)];
        let promote = [line(1, trusted), line(2, None)];
        let distrust = [line(2, None)];
        for (before, wanted, after) in [
            (
                "cluster \"a\"\n",
                &trust[..],
                "cluster \"a\"\nca \"etcd\" { keypair 1; keypair 2 state=\"trusted\" }\n",
            ),
            (
                "ca \"etcd\" validity=\"3y\" // why\n",
                &trust[..],
                "ca \"etcd\" validity=\"3y\" { keypair 1; keypair 2 state=\"trusted\" } // why\n",
            ),
            (
                "ca etcd {\n  // x\n  key \"rsa-2048\" // y\n}\n",
                &trust[..],
                "ca etcd {\n  // x\n  keypair 1\n  keypair 2 state=\"trusted\"\n  key \"rsa-2048\" // y\n}\n",
            ),
            (
                "ca \"etcd\" {}",
                &trust[..],
                "ca \"etcd\" { keypair 1; keypair 2 state=\"trusted\" }",
            ),
            (
                "ca \"etcd\" { keypair 1; keypair 2 state=\"trusted\" }\nnode \"a\"\n",
                &promote[..],
                "ca \"etcd\" { keypair 1 state=\"trusted\"; keypair 2 }\nnode \"a\"\n",
            ),
            (
                "ca \"etcd\" {\n    keypair 1 state=\"trusted\" // old\n    keypair 2 // new\n}\n",
                &distrust[..],
                "ca \"etcd\" {\n    // old\n    keypair 2 // new\n}\n",
            ),
            (
                "ca \"etcd\" { keypair 1 state=\"trusted\"; keypair 2 }\n",
                &distrust[..],
                "ca \"etcd\" { keypair 2 }\n",
            ),
            (
                "ca \"etcd\" revision=3 { keypair 1 state=\"trusted\"; keypair 2 }\n",
                &distrust[..],
                "ca \"etcd\" { keypair 2 }\n",
            ),
            (
                "ca \"etcd\" { keypair 2; keypair 1 state=\"trusted\" }\n",
                &distrust[..],
                "ca \"etcd\" { keypair 2 }\n",
            ),
        ] {
            let file = SourceFile::new("cluster.kdl".into(), before.into());
            let (_, text) = with_keypairs(&[file], Root::Ca(CaName::Etcd), wanted).unwrap();
            assert_eq!(text, after);
        }
    }
}
