//! Every word that the parser knows is explained, and what an explanation says of it is what the parser does.

use std::collections::{BTreeMap, BTreeSet};

use kpki::config::{
    Takes, Unwritten, Values, Word, all_words, find_words, load, load_policy, word_paths,
};
use kpki::sources::Sources;

const ROOT_CERTIFICATE: &[u8] = include_bytes!("../good-descriptions/root.crt");
const REQUEST: &[u8] = include_bytes!("../good-descriptions/usage.csr");
const RECIPIENT: &[u8] = b"age1fkzj9rnwurrg4uudls9ztm9fwzvupntwtdu9zx065h26st9x89as35pqga\n";

/// The example as a whole description: what it leaves out is there, and so is each file that it names.
fn sources(word: &Word, example: &str) -> (Sources, &'static str) {
    let root = if word.path.starts_with("policy") { "policy.kdl" } else { "cluster.kdl" };
    let mut text = String::new();
    if root == "cluster.kdl" && !example.contains("cluster \"") {
        text.push_str("cluster \"lab\" endpoint=\"api.lab.internal:6443\"\n");
    }
    if root == "cluster.kdl" && !example.contains("node \"cp1\" ") {
        text.push_str("node \"cp1\" role=\"control-plane\" address=\"10.0.0.11\"\n");
    }
    text.push_str(&match &*word.path {
        // Whose request the file beside it is.
        "user.csr" => example.replace("\"jane\"", "\"usage\""),
        _ => example.to_owned(),
    });
    let files: [(&str, &[u8]); 6] = [
        (root, text.as_bytes()),
        ("nodes.kdl", b"node \"w1\"\n"),
        ("company-ca.crt", ROOT_CERTIFICATE),
        ("jane.csr", REQUEST),
        ("ops.txt", RECIPIENT),
        ("lab.seed", b""),
    ];
    let files = files.map(|(path, bytes)| (path.to_owned(), bytes.to_vec()));
    (Sources::Memory(BTreeMap::from(files)), root)
}

/// The hash of every artifact that follows from an example, or all that is wrong with it.
fn follows(word: &Word, example: &str) -> Result<Vec<String>, String> {
    let (sources, root) = sources(word, example);
    if root == "policy.kdl" {
        let policy = load_policy(&sources, root);
        return policy.map(|_| Vec::new()).map_err(|report| report.render(false));
    }
    let loaded = load(&sources, root, None).map_err(|report| report.render(false))?;
    let graph = &loaded.graph;
    Ok(graph.ids().map(|id| format!("{} {}", graph.get(id).name, graph.get(id).hash)).collect())
}

/// The last part of a path.
fn end(word: &Word) -> &str {
    word.path.rsplit('.').next().unwrap()
}

/// The example with other values for the word; `None`: without it.
fn with(word: &Word, values: Option<&str>) -> String {
    let (property, child) = (format!(" {}=", end(word)), format!("{} ", end(word)));
    let is_child = |line: &str| line.starts_with("    ") && line.trim_start().starts_with(&child);
    let mut lines: Vec<String> = word.example.lines().map(str::to_owned).collect();
    // A node of an external etcd is there for the example's value alone.
    lines.retain(|line| !line.contains("etcd1"));
    let at = lines.iter().rposition(|line| line.contains(&property) || is_child(line));
    let at = at.unwrap_or_else(|| panic!("{}: {}", word.path, word.example));
    let line = lines.remove(at);
    let changed = match (line.split_once(&property), values) {
        (Some((before, _)), Some(values)) if values.contains("\" \"") => {
            Some(format!("{before} {{ {child}{values}; }}"))
        }
        (Some((before, _)), Some(value)) => Some(format!("{before}{property}{value}")),
        (Some((before, _)), None) => Some(before.to_owned()),
        (None, Some(values)) => Some(format!("    {child}{values}")),
        (None, None) => None,
    };
    if let Some(changed) = changed {
        lines.insert(at, changed);
    }
    lines.join("\n")
}

#[test]
fn every_word_has_a_meaning_and_an_example_that_the_parser_takes() {
    let all = all_words();
    assert!(all.len() > 90, "{}", all.len());
    let paths: BTreeSet<&str> = all.iter().map(|word| word.path.as_str()).collect();
    assert_eq!(paths.len(), all.len());
    let mut wrong = Vec::new();
    for word in &all {
        assert!(word.means.ends_with('.') && word.means.len() > 10, "{word:?}");
        assert!(!word.means.contains('`') && !word.means.contains("  "), "{word:?}");
        match word.values {
            Some(Values::Text(how)) => assert!(!how.is_empty(), "{word:?}"),
            Some(Values::OneOf(values)) => {
                for (value, means) in values() {
                    assert!(!value.is_empty() && !means.is_empty(), "{} {value}", word.path);
                    assert!(!means.contains('`') && !means.contains("  "), "{} {means}", word.path);
                }
            }
            Some(Values::Number { from, to }) => assert!(from < to),
            Some(Values::Flag) => {}
            None => assert_eq!(word.takes, Takes::Blocks, "{word:?}"),
        }
        assert!(word.example.contains(end(word)), "{word:?}");
        for line in word.example.lines() {
            assert!(line.len() <= 78 || line.contains("age1"), "{}: {line}", word.path);
        }
        // The manifests themselves are not there, and that is all that is wrong.
        let refused = follows(word, &word.example).err();
        let only = if word.path == "manifests" { "no manifest" } else { "" };
        match refused {
            Some(why) if only.is_empty() || !why.contains(only) => {
                wrong.push(format!("{}\n{}\n{why}", word.path, word.example));
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The parser lists the words of a block where none is like what is written.
#[test]
fn the_words_of_a_block_are_those_that_the_parser_lists() {
    for word in all_words().iter().filter(|word| word.takes == Takes::Blocks) {
        let head = word.example.lines().find(|line| line.trim_start().starts_with(end(word)));
        let head = head.unwrap().trim().trim_end_matches('{').trim_end();
        let name = head.split(' ').nth(1).filter(|name| !name.contains('='));
        let block = format!("{} {} {{ qqqqqqqqqqqq 1; }}", end(word), name.unwrap_or(""));
        let outer = word.path.split('.').rev().skip(1);
        let text = outer.fold(block, |inner, outer| {
            let name = if matches!(outer, "policy") { "" } else { "\"cp1\"" };
            format!("{outer} {name} {{ {inner}; }}")
        });
        let why = follows(word, &text).unwrap_err();
        if word.path == "include" {
            continue;
        }
        let known =
            why.split("\"qqqqqqqqqqqq\" on").nth(1).unwrap_or_else(|| panic!("{text}: {why}"));
        if word.words.is_empty() {
            assert!(known.contains("has no settings"), "{known}");
            continue;
        }
        let known = known.split("known here: ").nth(1).unwrap_or_else(|| panic!("{text}: {known}"));
        let known = known.lines().next().unwrap();
        let listed: Vec<&str> = known.split(", ").filter(|word| *word != "…").collect();
        let mut own: Vec<&str> = word.words.iter().map(|word| word.word).collect();
        if word.path == "component.keypair" {
            own.push("certificate"); // of a CA alone
        }
        if word.path == "policy" {
            own.insert(own.len() - 1, "ordinary-folder"); // which has a message of its own
        }
        own.truncate(listed.len());
        assert_eq!(listed, own, "{}", word.path);
        assert!(known.ends_with('…') || listed.len() >= word.words.len(), "{}", word.path);
    }
}

#[test]
fn a_default_means_the_same_as_leaving_the_word_out() {
    let mut compared = 0;
    let mut wrong = Vec::new();
    for word in all_words() {
        if let Unwritten::Same(default) = word.unwritten {
            let [with, without] =
                [Some(default), None].map(|values| follows(&word, &with(&word, values)));
            // A consent that is taken back is a mistake in itself.
            if word.path.ends_with("allow-masters") {
                assert!(with.is_err() && without.is_err());
                continue;
            }
            if with != without || with.is_err() {
                wrong.push(format!("{}: {with:?}\n{without:?}", word.path));
            }
            compared += 1;
        }
        if matches!(word.unwritten, Unwritten::Mistake) {
            assert!(follows(&word, &with(&word, None)).is_err(), "{}", word.path);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(compared > 20, "{compared}");
}

#[test]
fn the_values_of_a_word_are_those_that_the_parser_takes() {
    let (mut choices, mut numbers) = (0, 0);
    let mut wrong = Vec::new();
    let mut check = |holds: bool, what: String| {
        if !holds {
            wrong.push(what);
        }
    };
    for word in all_words().iter().filter(|word| word.takes != Takes::Blocks) {
        let refused =
            |value: &str| follows(word, &with(word, Some(value))).err().unwrap_or_default();
        match word.values {
            Some(Values::OneOf(values)) => {
                for (value, _) in values() {
                    let why = refused(&format!("\"{value}\""));
                    check(!why.contains("unknown"), format!("{} {value}: {why}", word.path));
                    choices += 1;
                }
                check(refused("\"qqqqqqqqqqqq\"").contains("unknown"), word.path.clone());
            }
            Some(Values::Flag) => {
                let why = refused("\"yes\"");
                check(why.contains("takes #true or #false"), format!("{}: {why}", word.path));
            }
            Some(Values::Number { from, to }) => {
                for good in [from, to] {
                    let why = refused(&good.to_string());
                    check(!why.contains("takes a"), format!("{} {good}: {why}", word.path));
                }
                for bad in [i64::from(from) - 1, i64::from(to) + 1] {
                    let why = refused(&bad.to_string());
                    check(why.contains("takes a"), format!("{} {bad}: {why}", word.path));
                }
                numbers += 1;
            }
            Some(Values::Text(_)) if word.takes != Takes::Pairs => {
                let why = refused("#true");
                check(why.contains("takes a text"), format!("{}: {why}", word.path));
            }
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(choices > 40 && numbers > 5, "{choices} {numbers}");
}

#[test]
fn a_word_is_found_by_its_path_its_end_and_with_a_name() {
    let paths = |text: &str| find_words(text).into_iter().map(|word| word.path).collect::<Vec<_>>();
    assert_eq!(paths("topology"), ["component.topology"]);
    for path in word_paths() {
        assert_eq!(paths(&path), [path.as_str()]);
    }
    assert_eq!(paths("leaf.san"), ["node.leaf.san"]);
    assert_eq!(paths("component.etcd.topology"), ["component.etcd.topology"]);
    assert_eq!(paths("ca.etcd.keypair.state"), ["ca.etcd.keypair.state"]);
    assert!(paths("validity").len() > 5);
    for nothing in [
        "",
        ".",
        "component.",
        "component.etcd.serving",
        "component.etcd.etcd",
        "user.jane",
        "user.group.x",
    ] {
        assert!(paths(nothing).is_empty(), "{nothing}");
    }
    let etcd = find_words("component.etcd.validity").remove(0);
    assert_eq!(etcd.example, "component \"etcd\" validity=\"90d\"");
    assert_eq!(find_words("topology")[0].stands, "in component \"etcd\"");
    // The only word that nobody should write, and which has a message of its own.
    let report = load_policy(
        &Sources::Memory(BTreeMap::from([(
            "policy.kdl".to_owned(),
            b"policy { ordinary-folder \"/srv\"; }".to_vec(),
        )])),
        "policy.kdl",
    );
    assert!(report.unwrap_err().render(false).contains("is called `allow-folder`"));
    assert!(paths("ordinary-folder").is_empty());
}
