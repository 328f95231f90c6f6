//! Three locks to one, as Git merges: each line belongs to one name and is taken whole, from one side or the
//! other. What both sides changed differently is a conflict, so two keys of one name are never mixed.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use super::MARKS;

/// What became of a merge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged {
    pub text: String,
    /// Names that both sides changed, each in its own way. `text` then has markers.
    pub conflicts: Vec<String>,
}

/// How a conflict is marked.
#[derive(Debug, Clone, Copy)]
pub struct Marks<'a> {
    /// Characters of a marker; Git's are 7 long.
    pub size: usize,
    pub ours: &'a str,
    pub theirs: &'a str,
}

/// The order of a lock's lines, and whose each is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Head,
    /// Of everybody, or of a node.
    Recipients(Option<String>),
    Artifact(String),
    Copy(String),
    Exposed(String),
    Orphan(String),
}

type Lines<'a> = BTreeMap<Key, &'a str>;

/// `base` is what both sides come from; empty where both began the file. Where one of the three is no lock,
/// the whole file is the conflict.
pub fn merge(base: &[u8], ours: &[u8], theirs: &[u8], marks: Marks<'_>) -> Merged {
    // The form follows from the lines: a side that needs the newer one disagrees with nobody.
    let newest = format(ours).max(format(theirs));
    let raised = [base, ours, theirs].map(|bytes| in_form(bytes, newest));
    let [of_base, of_ours, of_theirs] = raised.each_ref().map(|bytes| lines(bytes));
    match (of_base, of_ours, of_theirs) {
        (Some(base), Some(our), Some(their)) => by_line(&base, &our, &their, marks),
        // Of one text there is nothing to decide, whatever it is.
        _ if ours == theirs || theirs == base => whole(ours),
        _ if ours == base => whole(theirs),
        _ => {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let mut merged =
                Merged { text: String::new(), conflicts: vec!["the whole file".to_owned()] };
            conflict(&mut merged.text, &text(ours), &text(theirs), "", marks);
            merged
        }
    }
}

/// How every lock begins; the version of its form follows.
const BEGIN: &[u8] = b"{\"kpki-lock\":";

fn format(lock: &[u8]) -> Option<u8> {
    let version = *lock.strip_prefix(BEGIN)?.first()?;
    version.is_ascii_digit().then_some(version)
}

fn in_form(lock: &[u8], version: Option<u8>) -> Cow<'_, [u8]> {
    match (lock.strip_prefix(BEGIN), format(lock), version) {
        (Some([_, rest @ ..]), Some(own), Some(version)) if own != version => {
            [BEGIN, &[version], rest].concat().into()
        }
        _ => lock.into(),
    }
}

fn whole(bytes: &[u8]) -> Merged {
    Merged { text: String::from_utf8_lossy(bytes).into_owned(), conflicts: Vec::new() }
}

fn by_line(base: &Lines<'_>, ours: &Lines<'_>, theirs: &Lines<'_>, marks: Marks<'_>) -> Merged {
    let keys: BTreeSet<&Key> = ours.keys().chain(theirs.keys()).collect();
    let mut merged = Merged { text: String::new(), conflicts: Vec::new() };
    for key in keys {
        let [before, our, their] = [base, ours, theirs].map(|lines| lines.get(key).copied());
        let line = if our == their || their == before {
            our
        } else if our == before {
            their
        } else {
            let text = |line: Option<&str>| line.map(|line| format!("{line}\n"));
            let [our, their] = [our, their].map(|line| text(line).unwrap_or_default());
            conflict(&mut merged.text, &our, &their, &key.what(), marks);
            merged.conflicts.push(key.what());
            continue;
        };
        if let Some(line) = line {
            merged.text.push_str(line);
            merged.text.push('\n');
        }
    }
    merged
}

/// Both sides, whole, between Git's marks.
fn conflict(text: &mut String, ours: &str, theirs: &str, what: &str, marks: Marks<'_>) {
    let mark = |sign: &str, label: &str| {
        let what =
            if what.is_empty() || label.is_empty() { String::new() } else { format!(": {what}") };
        let line = format!("{} {label}{what}", sign.repeat(marks.size.max(MARK)));
        format!("{}\n", line.trim_end())
    };
    let side = |side: &str| {
        let open = !side.is_empty() && !side.ends_with('\n');
        format!("{side}{}", if open { "\n" } else { "" })
    };
    text.push_str(&mark("<", marks.ours));
    text.push_str(&side(ours));
    text.push_str(&mark("=", ""));
    text.push_str(&side(theirs));
    text.push_str(&mark(">", marks.theirs));
}

/// What the reader of a lock knows as a marker.
const MARK: usize = 7;

/// `None`: no lock, or one with markers, a torn line or a name twice.
fn lines(bytes: &[u8]) -> Option<Lines<'_>> {
    let text = str::from_utf8(bytes).ok()?;
    if !text.is_empty() && !text.ends_with('\n') {
        return None;
    }
    let mut lines = Lines::new();
    for line in text.lines() {
        if MARKS.iter().any(|mark| line.starts_with(mark)) || line.contains('\r') {
            return None;
        }
        if lines.insert(Key::of(line)?, line).is_some() {
            return None;
        }
    }
    let headless = !lines.is_empty() && !lines.contains_key(&Key::Head);
    (!headless).then_some(lines)
}

impl Key {
    /// By the member that comes first in each kind of line.
    fn of(line: &str) -> Option<Key> {
        let line: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).ok()?;
        let text = |member: &str| line.get(member)?.as_str().map(str::to_owned);
        if line.contains_key("kpki-lock") {
            return Some(Key::Head);
        }
        if let Some(name) = text("name") {
            return Some(Key::Artifact(name));
        }
        if let Some(path) = text("copy") {
            return Some(Key::Copy(path));
        }
        if let Some(name) = text("exposed") {
            return Some(Key::Exposed(name));
        }
        if let Some(path) = text("orphan") {
            return Some(Key::Orphan(path));
        }
        let recipients = line.get("recipients")?.is_array();
        recipients.then(|| Key::Recipients(text("node")))
    }

    /// For people; a name in a lock may be anything.
    fn what(&self) -> String {
        let name = match self {
            Key::Head => "the head (cluster, Kubernetes version)".to_owned(),
            Key::Recipients(None) => "the recipients of all secrets".to_owned(),
            Key::Recipients(Some(node)) => format!("the recipients of node {node}"),
            Key::Artifact(name) => name.clone(),
            Key::Copy(path) => format!("the copy out/{path}"),
            Key::Exposed(name) => format!("who could read the key of {name}"),
            Key::Orphan(path) => format!("the orphan out/{path}"),
        };
        super::shown(&name)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SIDES: Marks<'static> = Marks { size: 7, ours: "ours", theirs: "theirs" };

    /// A lock in short: `a1 b2` has the artifacts a and b, in versions.
    fn lock(short: &str) -> String {
        let head = "{\"kpki-lock\":1,\"cluster\":\"lab\"}\n".to_owned();
        let line = |word: &str| {
            let (name, version) = word.split_at(1);
            format!("{{\"name\":\"{name}\",\"hash\":\"{version}\"}}\n")
        };
        head + &short.split_whitespace().map(line).collect::<String>()
    }

    fn merged(base: &str, ours: &str, theirs: &str) -> Merged {
        merge(base.as_bytes(), ours.as_bytes(), theirs.as_bytes(), SIDES)
    }

    #[test]
    fn each_line_is_taken_whole() {
        for (base, ours, theirs, expected) in [
            ("a1 c1", "a1 b1 c1", "a1 c1 d1", "a1 b1 c1 d1"),
            ("a1 b1", "a2 b1", "a1 b2", "a2 b2"),
            ("a1 b1", "a2 b1", "a2 b1", "a2 b1"),
            ("a1 b1 c1", "a1 c1", "a1 b1 c2", "a1 c2"),
            ("a1 b1", "a1", "a1", "a1"),
            ("", "a1", "b1", "a1 b1"),
            ("a1", "", "", ""),
        ] {
            let merged = merged(&lock(base), &lock(ours), &lock(theirs));
            assert_eq!(merged.conflicts, Vec::<String>::new(), "{ours} + {theirs}");
            assert_eq!(merged.text, lock(expected), "{ours} + {theirs}");
        }
    }

    #[test]
    fn what_both_changed_is_a_conflict_of_this_name_alone() {
        for (base, ours, theirs) in [
            ("a1 b1", "a2 b1", "a3 b2"), // two keys of one name
            ("a1 b1", "b1", "a3 b2"),    // removed here, changed there
            ("b1", "a2 b1", "a3 b2"),    // made on both sides
        ] {
            let merged = merged(&lock(base), &lock(ours), &lock(theirs));
            assert_eq!(merged.conflicts, ["a"]);
            let lines: Vec<&str> = merged.text.lines().collect();
            assert_eq!(lines.get(1).copied(), Some("<<<<<<< ours: a"));
            assert!(lines.contains(&"======="), "{}", merged.text);
            assert!(lines.contains(&">>>>>>> theirs: a"), "{}", merged.text);
            assert_eq!(lines.last().copied(), Some(r#"{"name":"b","hash":"2"}"#));
            let error = super::super::parse(merged.text.as_bytes()).unwrap_err();
            assert_eq!((error.line, error.why.as_str()), (2, "is a merge conflict"));
        }
    }

    #[test]
    fn every_kind_of_line_keeps_its_place() {
        let head = r#"{"kpki-lock":1,"cluster":"lab"}"#;
        let all = r#"{"recipients":["age1x"]}"#;
        let node = r#"{"recipients":["age1y"],"node":"w1"}"#;
        let artifact = r#"{"name":"ca/etcd","hash":"1"}"#;
        let copy = r#"{"copy":"nodes/cp1/sa.key","sealed":"1","recipients":"2"}"#;
        let exposed = r#"{"exposed":"ca/etcd","public-key":"1","to":["age1x"]}"#;
        let text = |lines: &[&str]| lines.iter().fold(String::new(), |all, line| all + line + "\n");
        let merged = merged(
            &text(&[head]),
            &text(&[head, all, artifact, exposed]),
            &text(&[head, node, copy]),
        );
        assert_eq!(merged.text, text(&[head, all, node, artifact, copy, exposed]));
    }

    #[test]
    fn orphans_are_merged_by_their_paths_and_the_form_is_no_conflict() {
        let old = r#"{"kpki-lock":1,"cluster":"lab","kubernetes":"1.35.0"}"#;
        let newer = r#"{"kpki-lock":1,"cluster":"lab","kubernetes":"1.36.0"}"#;
        let with_orphans = old.replace(":1,", ":2,");
        let orphan = |path: &str, digest: &str| {
            format!("{{\"orphan\":\"{path}\",\"content\":\"{}\"}}", digest.repeat(32))
        };
        let text = |lines: &[&str]| lines.join("\n") + "\n";
        let (one, two) = (orphan("nodes/w1/a.crt", "1"), orphan("nodes/w2/b.crt", "2"));
        let both = merged(&text(&[old]), &text(&[&with_orphans, &one]), &text(&[newer]));
        assert_eq!(both.conflicts, Vec::<String>::new());
        assert_eq!(both.text, text(&[&newer.replace(":1,", ":2,"), &one]));
        let both = merged(
            &text(&[&with_orphans, &one]),
            &text(&[old]),
            &text(&[&with_orphans, &one, &two]),
        );
        assert_eq!(both.conflicts, Vec::<String>::new());
        assert_eq!(both.text, text(&[&with_orphans, &two]));
        assert!(super::super::parse(both.text.as_bytes()).is_ok());
        let other = orphan("nodes/w1/a.crt", "3");
        let split =
            merged(&text(&[old]), &text(&[&with_orphans, &one]), &text(&[&with_orphans, &other]));
        assert_eq!(split.conflicts, ["the orphan out/nodes/w1/a.crt"]);
    }

    #[test]
    fn what_is_no_lock_is_one_conflict() {
        let good = lock("a1");
        for (bad, why) in [
            ("nonsense\n", "no JSON"),
            ("{\"kpki-lock\":1}\n{\"name\":\"a\"", "torn"),
            ("{\"name\":\"a\"}\n", "no head"),
            ("{\"kpki-lock\":1}\n{\"name\":\"a\"}\n{\"name\":\"a\"}\n", "a name twice"),
            ("{\"kpki-lock\":1}\n{\"x\":1}\n", "an unknown line"),
            ("<<<<<<< ours\n", "an earlier conflict"),
        ] {
            let merged = merged(&good, bad, &lock("a2"));
            assert_eq!(merged.conflicts, ["the whole file"], "{why}");
            assert!(merged.text.starts_with("<<<<<<< ours\n"), "{why}");
            assert!(merged.text.ends_with(">>>>>>> theirs\n"), "{why}");
            assert!(merged.text.contains(bad.trim_end()), "{why}");
        }
        // Nobody disagrees.
        assert_eq!(merged("odd\n", "odd\n", "mine\n").text, "mine\n");
    }

    #[test]
    fn a_marker_is_as_long_as_git_wants_it_and_never_too_short_to_be_seen() {
        let marked = |size| {
            let marks = Marks { size, ..SIDES };
            let [ours, theirs] = ["a1", "a2"].map(lock);
            merge(b"", ours.as_bytes(), theirs.as_bytes(), marks).text
        };
        assert!(marked(12).contains("\n<<<<<<<<<<<< ours: a\n"));
        assert!(marked(0).contains("\n<<<<<<< ours: a\n"));
    }

    fn some_lock() -> impl Strategy<Value = String> {
        let versions = proptest::collection::btree_map("[a-f]", 0..3_u8, 0..6);
        versions.prop_map(|all| {
            let words: Vec<String> = all.iter().map(|(name, n)| format!("{name}{n}")).collect();
            lock(&words.join(" "))
        })
    }

    proptest! {
        #[test]
        fn one_side_alone_wins_and_sides_are_equal(base in some_lock(), a in some_lock(), b in some_lock()) {
            prop_assert_eq!(&merged(&base, &a, &base).text, &a);
            prop_assert_eq!(&merged(&base, &base, &a).text, &a);
            prop_assert_eq!(&merged(&base, &a, &a).text, &a);
            let (here, there) = (merged(&base, &a, &b), merged(&base, &b, &a));
            prop_assert_eq!(&here.conflicts, &there.conflicts);
            if here.conflicts.is_empty() {
                prop_assert_eq!(&here.text, &there.text);
            }
        }

        #[test]
        fn every_line_is_one_of_a_side(base in some_lock(), a in some_lock(), b in some_lock()) {
            let merged = merged(&base, &a, &b);
            let is_mark = |line: &&str| !MARKS.iter().any(|mark| line.starts_with(mark));
            for line in merged.text.lines().filter(is_mark) {
                prop_assert!(a.lines().chain(b.lines()).any(|of| of == line), "{}", line);
            }
            // And what a side has that the base has not is never lost.
            for line in a.lines().chain(b.lines()) {
                if !base.lines().any(|of| of == line) {
                    prop_assert!(merged.text.lines().any(|of| of == line), "{}", line);
                }
            }
        }

        #[test]
        fn nothing_makes_it_fail(base: Vec<u8>, a: Vec<u8>, b: Vec<u8>) {
            merge(&base, &a, &b, SIDES);
        }
    }
}
