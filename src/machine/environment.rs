//! A file of variables, as systemd reads one (`EnvironmentFile=` of systemd.exec(5); `env-file.c`).

/// A variable and the line of its name.
pub(super) type Assignment = (usize, String, String);

/// Where in a value the reading stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoted {
    No,
    Single,
    Double,
}

/// The assignments in their order. systemd passes by a line whose name is none (`export A=b`), and so does
/// this.
pub(super) fn assignments(text: &str) -> Vec<Assignment> {
    let mut found = Vec::new();
    let mut line = 0;
    let mut rest = text.chars().peekable();
    while rest.peek().is_some() {
        line += 1;
        let mut name = String::new();
        let mut has_value = false;
        while let Some(next) = rest.next() {
            match next {
                '\n' => break,
                '=' => {
                    has_value = true;
                    break;
                }
                other => name.push(other),
            }
            if matches!(name.trim_start().chars().next(), Some('#' | ';')) {
                // A comment ends with its line, whatever stands in it.
                rest.by_ref().take_while(|next| *next != '\n').for_each(drop);
                name.clear();
                break;
            }
        }
        if !has_value {
            continue;
        }
        let started = line;
        let value = value(&mut rest, &mut line);
        let name = name.trim();
        let mut letters = name.chars();
        let starts = letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        if starts && letters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
            found.push((started, name.to_owned(), value));
        }
    }
    found
}

/// To the end of its line, which it takes.
fn value(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, line: &mut usize) -> String {
    let mut value = String::new();
    // Blanks at the end do not count unless they are quoted.
    let mut kept = 0;
    let mut quoted = Quoted::No;
    while let Some(next) = rest.next() {
        match (quoted, next) {
            (Quoted::No, '\n') => break,
            (Quoted::No, '\'') => quoted = Quoted::Single,
            (Quoted::No, '"') => quoted = Quoted::Double,
            (Quoted::Single, '\'') | (Quoted::Double, '"') => {
                quoted = Quoted::No;
                kept = value.len();
            }
            (Quoted::No | Quoted::Double, '\\') => match rest.next() {
                Some('\n') => *line += 1,
                Some(other) => {
                    if quoted == Quoted::Double && !"\"\\`$".contains(other) {
                        value.push('\\');
                    }
                    value.push(other);
                    kept = value.len();
                }
                None => {}
            },
            (Quoted::No, blank) if blank.is_ascii_whitespace() => {
                if !value.is_empty() {
                    value.push(blank);
                }
            }
            (_, other) => {
                *line += usize::from(other == '\n');
                value.push(other);
                kept = value.len();
            }
        }
    }
    value.truncate(kept);
    value
}

/// Words as systemd splits a command line or a variable's value (systemd.service(5), "Command lines").
/// `None`: a quote is not closed, or an escape that is none.
pub(super) fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = Quoted::No;
    let mut rest = text.chars();
    while let Some(next) = rest.next() {
        match (quoted, next) {
            (Quoted::No, blank) if blank.is_ascii_whitespace() => words.extend(word.take()),
            (Quoted::No, '\'') => (quoted, word) = (Quoted::Single, Some(word.unwrap_or_default())),
            (Quoted::No, '"') => (quoted, word) = (Quoted::Double, Some(word.unwrap_or_default())),
            (Quoted::Single, '\'') | (Quoted::Double, '"') => quoted = Quoted::No,
            (_, '\\') => word.get_or_insert_default().push(match rest.next()? {
                's' => ' ',
                't' => '\t',
                'n' => '\n',
                same @ ('\\' | '"' | '\'' | ' ') => same,
                _ => return None,
            }),
            (_, other) => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    (quoted == Quoted::No).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(usize, String, String)> {
        assignments(text)
    }

    fn one(text: &str) -> String {
        let found = values(text);
        assert_eq!(found.len(), 1, "{text}");
        found[0].2.clone()
    }

    /// systemd's own cases (`src/test/test-env-file.c`) and what people write.
    #[test]
    fn files_of_variables() {
        assert_eq!(one("A=--a --b"), "--a --b");
        assert_eq!(one("A=\"--a --b\"\n"), "--a --b");
        assert_eq!(one("A='--a \"x\"'  \n"), "--a \"x\"");
        assert_eq!(one("  A =  x  \n"), "x");
        assert_eq!(one("A=a\\\nb"), "ab");
        assert_eq!(one("A=\"a\\\nb\""), "ab");
        assert_eq!(one("A=\"a\nb\""), "a\nb");
        assert_eq!(one("A=\"\\\"\\x\""), "\"\\x");
        assert_eq!(one("A="), "");
        assert_eq!(one("A=a # no comment"), "a # no comment");
        assert_eq!(values("# A=b\n;A=b\n  #A=b\n\nexport A=b\n1A=b\nA\n"), []);
        let found = values("# c\nA=\"a\nb\"\nB=c\\\nd\n\nC=e\n");
        let lines: Vec<_> = found.iter().map(|(line, name, _)| (*line, name.as_str())).collect();
        assert_eq!(lines, [(2, "A"), (4, "B"), (7, "C")]);
    }

    #[test]
    fn command_lines() {
        let all = words("a  'b c' d\"e f\" \\\"x\\\" ''").unwrap();
        assert_eq!(all, ["a", "b c", "de f", "\"x\"", ""]);
        assert_eq!(words("a 'b"), None);
        assert_eq!(words("a \\q"), None);
        assert_eq!(words("a \\"), None);
        assert_eq!(words("").unwrap(), [""; 0]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_stops_the_reader(text in "[A=\"'\\\\ \n#;$x-]{0,60}") {
            let lines = text.matches('\n').count() + 1;
            for (line, name, value) in assignments(&text) {
                proptest::prop_assert!(line >= 1 && line <= lines);
                proptest::prop_assert!(!name.is_empty() && value.len() <= text.len());
            }
            let _ = words(&text);
        }
    }
}
