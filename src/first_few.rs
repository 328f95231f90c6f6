//! The first few of many, and how many more there are.

/// Says `and 3 more` where only so many of all are shown.
pub fn more(all: usize, shown: usize) -> Option<String> {
    let hidden = all.saturating_sub(shown);
    (hidden > 0).then(|| format!("and {hidden} more"))
}

/// Gives the first as they are, and how many more there are as the last.
pub fn at_most<T: ToString>(most: usize, all: impl IntoIterator<Item = T>) -> Vec<String> {
    let mut all = all.into_iter();
    let mut first: Vec<String> = all.by_ref().take(most).map(|one| one.to_string()).collect();
    first.extend(more(all.count(), 0));
    first
}

/// Says `alice, bob and 3 more`.
pub fn names<T: ToString>(most: usize, all: impl IntoIterator<Item = T>) -> String {
    let mut all = all.into_iter();
    let first: Vec<String> = all.by_ref().take(most).map(|one| one.to_string()).collect();
    let first = first.join(", ");
    match more(all.count(), 0) {
        Some(more) => format!("{first} {more}"),
        None => first,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted() {
        assert_eq!(names(2, ["a", "b"]), "a, b");
        assert_eq!(names(2, ["a", "b", "c", "d"]), "a, b and 2 more");
        assert_eq!(names(2, [""; 0]), "");
        assert_eq!(at_most(2, ["a", "b", "c"]), ["a", "b", "and 1 more"]);
        assert_eq!(more(3, 3), None);
    }
}
