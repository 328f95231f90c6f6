//! A picture in Mermaid's language, which GitHub and GitLab draw in Markdown.

use std::fmt::Write as _;

use super::picture::Picture;
use crate::visible::is_hidden;

impl Picture {
    pub fn mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        for realm in &self.realms {
            let _ = writeln!(text, "  {}[[\"{}\"]]", realm.id, lines(&realm.lines));
            for group in &realm.groups {
                let label = lines(&[group.title.clone(), group.members.clone()]);
                let _ = writeln!(text, "  {}[\"{label}\"]", group.id);
            }
            for (id, who) in &realm.outsiders {
                let _ = writeln!(text, "  {id}([\"{}\"])", escaped(who));
            }
            for group in &realm.groups {
                let how = if group.by_request { "signs on request" } else { "signs" };
                let _ = writeln!(text, "  {} -->|{how}| {}", realm.id, group.id);
            }
        }
        if let Some(key) = &self.signing_key {
            let label = lines(&[key.clone(), "signs tokens".to_owned()]);
            let _ = writeln!(text, "  tokens[[\"{label}\"]]");
        }
        for dial in &self.dials {
            let label = escaped(&dial.label);
            let _ = writeln!(text, "  {} -.->|\"{label}\"| {}", dial.from, dial.to);
        }
        text
    }
}

fn lines(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| escaped(line)).collect();
    lines.join("<br/>")
}

/// Whatever could be markup, Markdown or the end of a text, as Mermaid's entity: `#60;`.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_alphanumeric() && !is_hidden(c) || " -./:,=…".contains(c) {
            out.push(c);
        } else {
            let _ = write!(out, "#{};", u32::from(c));
        }
    }
    out
}
