//! A picture in DOT, for Graphviz.

use std::fmt::Write as _;

use super::picture::Picture;
use super::text::harmless;

impl Picture {
    pub fn dot(&self) -> String {
        let mut text = format!("digraph {} {{\n", quoted(&[self.cluster.as_str()]));
        text.push_str("  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n");
        text.push_str("  edge [fontname=\"sans-serif\", fontsize=10];\n");
        for realm in &self.realms {
            let label = quoted(&realm.lines);
            let _ = writeln!(text, "  {} [label={label}, shape=box3d];", realm.id);
            for group in &realm.groups {
                let label = quoted(&[&group.title, &group.members]);
                let _ = writeln!(text, "  {} [label={label}];", group.id);
            }
            for (id, who) in &realm.outsiders {
                let label = quoted(&[who]);
                let _ = writeln!(text, "  {id} [label={label}, style=\"rounded,dashed\"];");
            }
            for group in &realm.groups {
                let how = if group.by_request { "signs on request" } else { "signs" };
                let _ = writeln!(text, "  {} -> {} [label=\"{how}\"];", realm.id, group.id);
            }
        }
        if let Some(key) = &self.signing_key {
            let label = quoted(&[key.as_str(), "signs tokens"]);
            let _ = writeln!(text, "  tokens [label={label}, shape=box3d];");
        }
        for dial in &self.dials {
            let label = quoted(&[&dial.label]);
            let (from, to) = (&dial.from, &dial.to);
            let _ = writeln!(text, "  {from} -> {to} [label={label}, style=dashed];");
        }
        text.push_str("}\n");
        text
    }
}

/// A double-quoted string of lines. Graphviz reads escapes and HTML's entities in labels.
fn quoted(lines: &[impl AsRef<str>]) -> String {
    let lines: Vec<String> = lines
        .iter()
        .map(|line| {
            harmless(line.as_ref()).replace('\\', "\\\\").replace('"', "\\\"").replace('&', "&amp;")
        })
        .collect();
    format!("\"{}\"", lines.join("\\n"))
}
