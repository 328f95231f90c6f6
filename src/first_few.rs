//! The first few of many, and how many more there are.

/// Says `and 3 more` where only so many of all are shown.
pub fn more(all: usize, shown: usize) -> Option<String> {
    let hidden = all.saturating_sub(shown);
    (hidden > 0).then(|| format!("and {hidden} more"))
}

/// Gives the first as they are, and how many more there are as the last.
pub fn lines<T: ToString>(all: impl IntoIterator<Item = T>, most: usize) -> Vec<String> {
    let mut all = all.into_iter();
    let mut lines: Vec<String> = all.by_ref().take(most).map(|line| line.to_string()).collect();
    lines.extend(more(all.count(), 0));
    lines
}

/// Says `alice, bob and 3 more`.
pub fn names<T: ToString>(all: impl IntoIterator<Item = T>, most: usize) -> String {
    let mut all = all.into_iter();
    let names: Vec<String> = all.by_ref().take(most).map(|name| name.to_string()).collect();
    let names = names.join(", ");
    match more(all.count(), 0) {
        Some(more) => format!("{names} {more}"),
        None => names,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted() {
        assert_eq!(names(["a", "b"], 2), "a, b");
        assert_eq!(names(["a", "b", "c", "d"], 2), "a, b and 2 more");
        assert_eq!(names([""; 0], 2), "");
        assert_eq!(lines(["a", "b", "c"], 2), ["a", "b", "and 1 more"]);
        assert_eq!(more(3, 3), None);
    }
}
