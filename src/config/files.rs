//! Reads the root file and every file that it includes, each once and within limits.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::parse::parse;
use super::problem::{At, Problem, quoted};
use super::report::SourceFile;
use super::shape::{Shape, Values};
use super::tree::{Node, Scalar};
use crate::sources::{Sources, size_in_words};

const FILE_LIMIT: usize = 1024 * 1024;
const ENDING: &str = ".kdl";
const PEM: &[u8] = b"-----BEGIN ";
const AGE_IDENTITY: &[u8] = b"AGE-SECRET-KEY-";
/// kdl reads about one MiB a second and core: with more, an answer would take longer than two seconds. It is
/// room for 50,000 nodes, ten times what Kubernetes supports.
const TOTAL_LIMIT: usize = 3 * 1024 * 1024;
const INCLUDE_DEPTH: usize = 8;

pub const INCLUDE: Shape = Shape {
    word: "include",
    example: Some("nodes.kdl"),
    names: Values::Text("a file NAME.kdl beside this one or below"),
    means: "Reads another file as a part of this description; each file once.",
    shows: "include \"nodes.kdl\"",
    ..Shape::PLAIN
};

/// What was read, include nodes taken out.
#[derive(Default)]
pub struct Files {
    pub read: Vec<SourceFile>,
    pub nodes: Vec<Node>,
    pub problems: Vec<Problem>,
}

/// A file to be read, and who asks for it.
struct Wanted {
    path: String,
    /// The place of the include's path; none for the root.
    by: Option<At>,
    /// The files on the way to this one, root first.
    chain: Vec<String>,
}

pub fn read(sources: &Sources, root: &str) -> Files {
    let mut all = Files::default();
    let mut total = 0;
    let mut seen: HashMap<String, Option<At>> = HashMap::new();
    let mut queue = VecDeque::from([Wanted { path: root.to_owned(), by: None, chain: Vec::new() }]);
    while let Some(wanted) = queue.pop_front() {
        let file = all.read.len();
        let refuse =
            |at: Option<At>, message: String| Problem::new(at.unwrap_or(At::whole(file)), message);
        if let Some(problem) = repeated(&wanted, &seen) {
            all.problems.push(problem);
            continue;
        }
        seen.insert(wanted.path.clone(), wanted.by);
        let text = sources
            .read(&wanted.path, FILE_LIMIT)
            .map_err(|error| {
                let help = if error.why.starts_with("larger") {
                    "split it with `include \"nodes.kdl\"`"
                } else if wanted.by.is_some() {
                    "the path starts at the folder of the including file"
                } else if error.is_denied() {
                    "run kpki as its owner; nothing is wrong with what it says"
                } else {
                    "kpki reads cluster.kdl there; -C DIR names another folder"
                };
                (error.to_string(), help)
            })
            .and_then(|bytes| decode(bytes, &wanted.path))
            .and_then(|text| match wanted.by {
                // A report quotes lines, and a token in another program's file is none of ours to show.
                Some(_) if !wanted.path.ends_with(ENDING) => Err((
                    format!(
                        "{} is not called NAME{ENDING}; nothing of it is shown",
                        wanted.path
                    ),
                    "a description's files end in .kdl: rename it if it is one",
                )),
                _ => Ok(text),
            })
            .and_then(|text| {
                total += text.len();
                if total > TOTAL_LIMIT {
                    return Err((
                        format!(
                            "the description is larger than {} in all",
                            size_in_words(TOTAL_LIMIT)
                        ),
                        "one description has room for 50,000 nodes; describe another cluster in another folder",
                    ));
                }
                Ok(text)
            });
        let text = match text {
            Ok(text) => text,
            Err((message, help)) => {
                let mut problem = refuse(wanted.by, message);
                problem.help = Some(help.to_owned()).filter(|help| !help.is_empty());
                all.problems.push(problem);
                if wanted.by.is_none() {
                    all.read.push(SourceFile::new(root.into(), "".into()));
                }
                continue;
            }
        };
        let (nodes, problems) = parse(&text, file);
        all.read.push(SourceFile::new(Arc::from(wanted.path.as_str()), text.into()));
        all.problems.extend(problems);
        for node in nodes {
            if *node.word.text == *INCLUDE.word {
                match included(&node, &wanted) {
                    Ok(next) => queue.push_back(next),
                    Err(problem) => all.problems.push(*problem),
                }
            } else {
                all.nodes.push(node);
            }
        }
    }
    all
}

fn repeated(wanted: &Wanted, seen: &HashMap<String, Option<At>>) -> Option<Problem> {
    let by = wanted.by?;
    let first = seen.get(&wanted.path)?;
    if wanted.chain.contains(&wanted.path) {
        let cycle = [wanted.chain.join(" -> "), wanted.path.clone()].join(" -> ");
        return Some(
            Problem::new(by, format!("{} includes itself", wanted.path))
                .label(cycle)
                .help("delete this include"),
        );
    }
    let problem = Problem::new(by, format!("{} is included twice", wanted.path))
        .help("delete one of the two");
    Some(match first {
        Some(first) => problem.first(*first),
        None => problem,
    })
}

fn decode(bytes: Vec<u8>, path: &str) -> Result<String, (String, &'static str)> {
    let line = |at: usize, bytes: &[u8]| 1 + bytes.iter().take(at).filter(|b| **b == b'\n').count();
    if let Some(at) = bytes.iter().position(|b| *b == 0) {
        let line = line(at, &bytes);
        return Err((
            format!("{path} has a NUL byte in line {line}"),
            "a description is UTF-8 text; is this another file?",
        ));
    }
    // A report quotes lines of its file: never those of a key, whether named by mistake or on purpose.
    if let Some(at) = bytes.windows(PEM.len()).position(|window| window == PEM) {
        let line = line(at, &bytes);
        return Err((
            format!("{path} holds PEM data in line {line}; nothing of it is shown"),
            "a description names files of keys and certificates, it never holds them",
        ));
    }
    // Of an age identity neither; bech32 may be in lower case, too.
    let upper = bytes.to_ascii_uppercase();
    let identity = AGE_IDENTITY;
    if let Some(at) = upper.windows(identity.len()).position(|window| window == identity) {
        let line = line(at, &bytes);
        return Err((
            format!("{path} holds an age identity in line {line}; nothing of it is shown"),
            "a description names public keys (age1…) only; an identity that was saved there must be replaced",
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let line = line(error.utf8_error().valid_up_to(), error.as_bytes());
        (format!("{path} is not UTF-8 text (line {line})"), "save it as UTF-8")
    })
}

fn included(node: &Node, by: &Wanted) -> Result<Wanted, Box<Problem>> {
    let example = "write include \"nodes.kdl\"";
    let refuse = |at, message: String, help: &str| Box::new(Problem::new(at, message).help(help));
    let [value] = node.values.as_slice() else {
        let message = "`include` takes exactly one path".to_owned();
        return Err(refuse(node.word.at, message, example));
    };
    if !node.properties.is_empty() || !node.children.is_empty() {
        let message = "`include` takes a path and nothing else".to_owned();
        return Err(refuse(node.word.at, message, example));
    }
    let Scalar::Text(path) = &value.scalar else {
        return Err(refuse(value.at, "an include's path is a text".to_owned(), example));
    };
    let mut chain = by.chain.clone();
    chain.push(by.path.clone());
    if chain.len() > INCLUDE_DEPTH {
        let message = format!("includes are nested more than {INCLUDE_DEPTH} deep");
        return Err(refuse(value.at, message, "include all files from the first one"));
    }
    let folder = by.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = below(folder, path).ok_or_else(|| {
        let message = format!("{} leads out of the description's folder", quoted(path));
        refuse(value.at, message, "name a file beside this one or below, such as \"nodes.kdl\"")
    })?;
    Ok(Wanted { path, by: Some(value.at), chain })
}

/// `path` as seen from `folder`, `.` and `..` resolved; none if it leaves the root.
pub fn below(folder: &str, path: &str) -> Option<String> {
    if path.is_empty() || path.starts_with('/') {
        return None;
    }
    let mut segments: Vec<&str> = folder.split('/').filter(|s| !s.is_empty()).collect();
    for segment in path.split('/') {
        match segment {
            "." => {}
            ".." => {
                segments.pop()?;
            }
            other => segments.push(other),
        }
    }
    Some(segments.join("/"))
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn paths_stay_below_the_root() {
        assert_eq!(below("", "a.kdl").as_deref(), Some("a.kdl"));
        assert_eq!(below("sub/deep", "../a.kdl").as_deref(), Some("sub/a.kdl"));
        assert_eq!(below("sub", "./a.kdl").as_deref(), Some("sub/a.kdl"));
        assert_eq!(below("sub", "../../a.kdl"), None);
        assert_eq!(below("sub", "/a.kdl"), None);
        assert_eq!(below("sub", ""), None);
    }
}
