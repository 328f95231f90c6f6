//! Many rows of changes, of which those that are alike are told once.

use std::fmt::Write as _;

use super::action::ChangeRow;
use super::text::{Cell, Table, some};
use crate::first_few::more;

/// More rows than these are not all listed.
pub const MANY: usize = 40;
/// So many that are alike are still listed.
const ALIKE: usize = 2;

/// All rows, or the first of each family and how many more of it there are.
pub(super) fn cells(rows: Vec<ChangeRow>, all: bool) -> Vec<[Cell; 3]> {
    if all {
        return rows.into_iter().map(ChangeRow::cells).collect();
    }
    let mut told = Vec::new();
    for family in families(rows) {
        if family.len() <= ALIKE {
            told.extend(family.into_iter().map(ChangeRow::cells));
            continue;
        }
        let mut members = family.into_iter();
        let Some(first) = members.next() else { continue };
        let others: Vec<String> =
            members.map(|row| owner(&row.name).unwrap_or(&row.name).to_owned()).collect();
        let more = more(others.len(), 0).unwrap_or_default();
        let end = if first.why.is_empty() { "" } else { "; " };
        let why = format!("{}{end}{more}: {}", first.why, some(&others));
        told.push(ChangeRow { why, ..first }.cells());
    }
    told
}

pub(super) fn table(rows: Vec<ChangeRow>, all: bool, indent: &str, columns: usize) -> String {
    let count = rows.len();
    let cells = cells(rows, all);
    let is_folded = cells.len() < count;
    let mut table = Table::new();
    for row in cells {
        table.row(row);
    }
    let mut text = table.render(indent, columns);
    if is_folded {
        let _ = writeln!(text, "{indent}--full lists each of these {count}");
    }
    text
}

/// In the order of their first members.
fn families(rows: Vec<ChangeRow>) -> Vec<Vec<ChangeRow>> {
    let mut known = std::collections::HashMap::new();
    let mut families: Vec<Vec<ChangeRow>> = Vec::new();
    for row in rows {
        let new = families.len();
        let at = match &row.family {
            Some(family) => *known.entry((row.action, family.clone())).or_insert(new),
            None => new,
        };
        match families.get_mut(at) {
            Some(family) => family.push(row),
            None => families.push(vec![row]),
        }
    }
    families
}

/// What an artifact and what is said of it have in common with those of another node, user or certificate.
pub(super) fn family(name: &str, why: &str) -> String {
    let mut parts = name.splitn(3, '/');
    let (folder, owner, rest) = (parts.next(), parts.next(), parts.next());
    match (folder, owner) {
        (Some(folder @ ("nodes" | "users" | "certificates")), Some(owner)) => {
            format!("{folder}/*/{}: {}", rest.unwrap_or_default(), without(why, owner))
        }
        _ => format!("{name}: {why}"),
    }
}

/// The node, user or certificate that an artifact is of.
fn owner(name: &str) -> Option<&str> {
    name.split('/').nth(1)
}

/// A star in the place of a name that stands there as a whole word.
fn without(text: &str, name: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // A dash joins words, and before one that stands alone it is a sign: `san: -w1`.
    let joins = |before: &str| {
        before.ends_with(is_part) || before.strip_suffix('-').is_some_and(|b| b.ends_with(is_part))
    };
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(name).filter(|_| !name.is_empty()) {
        out.push_str(before);
        let whole = !joins(&out) && !after.starts_with(is_part) && !after.starts_with('-');
        out.push_str(if whole { "*" } else { name });
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::super::style::PLAIN;
    use super::*;

    #[test]
    fn alike_is_what_differs_in_its_owner_alone() {
        let path = |node: &str| format!("out/nodes/{node}/etc/kubernetes/pki/ca.crt is missing");
        for (one, other, alike) in [
            (("nodes/w1/kubelet", "new"), ("nodes/w2/kubelet", "new"), true),
            (("nodes/w1/kubelet", "new"), ("nodes/w1/kubelet.conf", "new"), false),
            (("nodes/w1/kubelet", "new"), ("users/w1/kubelet", "new"), false),
            (("users/jane", "new"), ("users/omar", "new"), true),
            (("users/jane", "new"), ("users/jane/kubeconfig", "new"), false),
            (("nodes/w1/kubelet", &path("w1")), ("nodes/w2/kubelet", &path("w2")), true),
            (("nodes/w1/kubelet", &path("w1")), ("nodes/w2/kubelet", &path("w1")), false),
            (("nodes/w1/kubelet", &path("w11")), ("nodes/w2/kubelet", &path("w21")), false),
            // What one gains and another does not.
            (("nodes/a/x", "san: +a.lab"), ("nodes/b/x", "san: +b.lab"), true),
            (("nodes/a/x", "san: +a.lab"), ("nodes/b/x", "san: +api.lab"), false),
            (("nodes/a/x", "life: 90d"), ("nodes/0d/x", "life: 90d"), true),
            (("nodes/a/x", "san: -a.lab"), ("nodes/b/x", "san: -b.lab"), true),
            (("nodes/a/x", "san: -a-1.lab"), ("nodes/b/x", "san: -b-1.lab"), false),
            (("nodes/a/x", "san: -x-a.lab"), ("nodes/b/x", "san: -x-b.lab"), false),
            (("ca/etcd", "new"), ("ca/kubernetes", "new"), false),
        ] {
            let same = family(one.0, one.1) == family(other.0, other.1);
            assert_eq!(same, alike, "{one:?} {other:?}");
        }
        assert_eq!(without("ww w w-w", "w"), "ww * w-w");
    }

    #[test]
    fn what_is_left_out_is_counted_and_what_has_no_family_never_is() {
        let row = |name: &str, family: Option<&str>| ChangeRow {
            name: name.to_owned(),
            action: "create",
            style: PLAIN,
            why: "new".to_owned(),
            is_final: false,
            family: family.map(str::to_owned),
        };
        let rows = || {
            ["+ nodes/a/k", "+ nodes/b/k", "+ nodes/c/k", "+ nodes/d/k", "+ nodes/e/k"]
                .map(|name| row(name, Some("f")))
                .into_iter()
                .chain([row("! x", None), row("! y", None), row("! z", None)])
                .collect::<Vec<_>>()
        };
        assert_eq!(
            table(rows(), false, "", 80),
            "+ nodes/a/k  create  new; and 4 more: b, c, d, ...\n! x          create  new\n\
             ! y          create  new\n! z          create  new\n--full lists each of these 8\n"
        );
        assert_eq!(table(rows(), true, "", 80).lines().count(), 8);
    }
}
