//! The word that somebody probably meant who wrote another one.

/// How many are named where several begin alike.
const NAMED: usize = 3;
/// A word of any length is compared in quadratic time; no known word is this long.
const LONGEST: usize = 256;

/// The likeliest first: words that begin with the text, as a whole or behind one of their slashes, the
/// shortest first; where none does, the one that differs by the fewest letters, if those are few.
pub fn nearest<'w>(text: &str, known: impl Iterator<Item = &'w str>) -> Vec<&'w str> {
    if text.len() > LONGEST {
        return Vec::new();
    }
    let lower = text.to_lowercase();
    let known: Vec<&str> = known.collect();
    let mut begin = known.clone();
    begin.retain(|word| begins(word, &lower));
    if !begin.is_empty() {
        begin.sort_by_key(|word| (word.len(), *word));
        return begin;
    }
    let closest = known.into_iter().filter_map(|word| Some((distance(&lower, word)?, word))).min();
    closest.into_iter().map(|(_, word)| word).collect()
}

/// `did you mean ca/etcd or ca/kubernetes?`
pub fn did_you_mean<'w>(text: &str, known: impl Iterator<Item = &'w str>) -> Option<String> {
    let all = nearest(text, known);
    let shown = all.get(..NAMED.min(all.len()))?;
    let (last, others) = shown.split_last()?;
    Some(match others {
        [] => format!("did you mean {last}?"),
        _ if all.len() > NAMED => format!("did you mean {}, ...?", shown.join(", ")),
        others => format!("did you mean {} or {last}?", others.join(", ")),
    })
}

/// With a single letter many words begin.
fn begins(word: &str, text: &str) -> bool {
    let from = std::iter::successors(Some(word), |rest| Some(rest.split_once('/')?.1));
    text.len() > 1 && from.into_iter().any(|rest| rest.to_lowercase().starts_with(text))
}

/// `None`: too far away. A slip is one letter, and one more for every four that were written right.
fn distance(text: &str, word: &str) -> Option<usize> {
    let apart = |other: &str| {
        let letters = strsim::damerau_levenshtein(text, &other.to_lowercase());
        (letters <= 1 + text.len().min(other.len()) / 4).then_some(letters)
    };
    // `cp1/apisrver` may mean nodes/cp1/apiserver.
    let slashes = text.matches('/').count();
    let end = word.rmatch_indices('/').nth(slashes).and_then(|(at, _)| word.get(at + 1..));
    let short = end.and_then(apart).map(|letters| letters + 1);
    [apart(word), short].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_so_comes_first_and_then_what_is_few_letters_away() {
        let known = [
            "unread",
            "stray-manifest",
            "unknown-issuer",
            "ca/etcd",
            "ca/kubernetes",
            "bundle/kubernetes",
            "nodes/cp1/apiserver",
        ];
        for (text, means) in [
            ("stray", Some("did you mean stray-manifest?")),
            ("Stray", Some("did you mean stray-manifest?")),
            ("un", Some("did you mean unread or unknown-issuer?")),
            ("unreda", Some("did you mean unread?")),
            ("etc", Some("did you mean ca/etcd?")),
            ("ect/etcd", Some("did you mean ca/etcd?")),
            ("kube", Some("did you mean ca/kubernetes or bundle/kubernetes?")),
            ("cp1", Some("did you mean nodes/cp1/apiserver?")),
            ("apisrver", Some("did you mean nodes/cp1/apiserver?")),
            ("cp1/apisrver", Some("did you mean nodes/cp1/apiserver?")),
            ("", None),
            ("u", None),
            ("banana", None),
        ] {
            assert_eq!(did_you_mean(text, known.into_iter()).as_deref(), means, "{text}");
        }
        let many = ["node-a", "node-b", "node-c", "node-d"];
        assert_eq!(
            did_you_mean("node", many.into_iter()).unwrap(),
            "did you mean node-a, node-b, node-c, ...?"
        );
        assert_eq!(did_you_mean(&"x".repeat(1 << 20), many.into_iter()), None);
    }
}
