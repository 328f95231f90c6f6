//! Plain lines and columns. Colour is a style of whole cells, so that widths never count escape codes; they
//! count characters, since names are ASCII.

use anstyle::Style;

use super::style::{PLAIN, paint};
use crate::first_few;
use crate::name::TreePath;
pub use crate::visible::{harmless, printable};

/// A text in one style.
#[derive(Debug, Clone)]
pub struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub fn new(style: Style, text: impl Into<String>) -> Self {
        Cell { text: harmless(&text.into()), style }
    }

    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Without its style, and with another text in the place of its own.
    pub fn plain(&self, text: impl FnOnce(&str) -> String) -> Self {
        Cell::from(text(&self.text))
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Cell::new(PLAIN, text)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Cell::new(PLAIN, text)
    }
}

/// Rows whose columns line up. The last cell of a row is free: never padded, and folded where it is too long.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<Cell>>,
    /// Every cell is short: columns move together rather than fold.
    tight: bool,
}

/// Columns grow to the widest cell, but no further than this.
const WIDEST: usize = 44;
/// A last cell needs this much room beside the others; with less it goes below them.
const ROOM: usize = 40;

impl Table {
    pub fn new() -> Self {
        Table::default()
    }

    pub fn tight() -> Self {
        Table { tight: true, ..Table::default() }
    }

    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// In lines of at most `columns` where that is possible.
    pub fn render(&self, indent: &str, columns: usize) -> String {
        self.lines(indent, columns).concat()
    }

    /// With columns as near as they get, every row is one line.
    pub fn fits(&self, columns: usize) -> bool {
        self.fits_with(&self.widths(), 1, columns)
    }

    fn fits_with(&self, widths: &[usize], gap: usize, columns: usize) -> bool {
        self.rows.iter().all(|row| {
            let before = row.len().saturating_sub(1);
            let padded: usize = widths.iter().take(before).map(|width| width + gap).sum();
            padded + row.last().map_or(0, Cell::width) <= columns
        })
    }

    /// Each row by itself, in one line or several.
    pub fn lines(&self, indent: &str, columns: usize) -> Vec<String> {
        let widths = self.widths();
        let room = columns.saturating_sub(indent.len());
        let gap = if self.tight && !self.fits_with(&widths, 2, room) { 1 } else { 2 };
        let line = |row: &Vec<Cell>| {
            let mut text = String::from(indent);
            let mut used = indent.len();
            for (index, cell) in row.iter().enumerate() {
                if index + 1 == row.len() {
                    self.last(&mut text, cell, indent.len(), used, columns);
                } else {
                    text.push_str(&paint(cell.style, &cell.text));
                    let width = widths.get(index).copied().unwrap_or(0);
                    let pad = width.saturating_sub(cell.width()) + gap;
                    text.extend(std::iter::repeat_n(' ', pad));
                    used += cell.width() + pad;
                }
            }
            text.truncate(text.trim_end().len());
            text.push('\n');
            text
        };
        self.rows.iter().map(line).collect()
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        (0..columns)
            .map(|column| {
                let cells = self.rows.iter().filter(|row| row.len() > column + 1);
                let widest = cells.filter_map(|row| row.get(column)).map(Cell::width).max();
                widest.unwrap_or(0).min(WIDEST)
            })
            .collect()
    }

    fn last(&self, text: &mut String, cell: &Cell, indent: usize, used: usize, columns: usize) {
        if self.tight || used.saturating_add(cell.width()) <= columns {
            text.push_str(&paint(cell.style, &cell.text));
            return;
        }
        let below = used.saturating_add(ROOM) > columns;
        let hanging = if below { indent + 6 } else { used };
        if below {
            text.truncate(text.trim_end().len());
        }
        for (index, line) in wrap(&cell.text, columns.saturating_sub(hanging)).iter().enumerate() {
            if below || index > 0 {
                text.push('\n');
                text.extend(std::iter::repeat_n(' ', hanging));
            }
            text.push_str(&paint(cell.style, line));
        }
    }
}

/// A paragraph of at most `columns`, all lines but the first further in. Words stay whole: a path must stay
/// one that can be copied.
pub fn paragraph(first: &str, hanging: usize, text: &str, columns: usize) -> String {
    let indent = " ".repeat(hanging);
    let mut out = String::from(first);
    // What stands first is as wide as the hanging indent, or wider by a little.
    for (index, line) in wrap(text, columns.saturating_sub(hanging)).iter().enumerate() {
        if index > 0 {
            out.push('\n');
            out.push_str(&indent);
        }
        out.push_str(line);
    }
    out.push('\n');
    out
}

fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(String::new());
            used = 0;
        }
        if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
        }
    }
    lines
}

/// `1 orphan`, `2 orphans`
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The first few names, and that there are more.
pub fn some<T: ToString>(names: &[T]) -> String {
    let shown: Vec<String> = names.iter().take(3).map(ToString::to_string).collect();
    let more = if names.len() > 3 { ", ..." } else { "" };
    format!("{}{more}", shown.join(", "))
}

/// As many as fit a line, and how many more there are.
pub fn listed(names: &[String]) -> String {
    first_few::names(5, names)
}

/// A path below `out/`, from the project folder on.
pub fn out(path: &TreePath) -> String {
    format!("out/{path}")
}

#[cfg(test)]
mod tests {
    use super::super::style::DANGER;
    use super::*;

    #[test]
    fn colour_moves_no_column() {
        let render = |style| {
            let mut table = Table::new();
            table.row([Cell::new(style, "a"), "b".into()]);
            table.row(["long name".into(), "c".into()]);
            anstream::adapter::strip_str(&table.render("", 80)).to_string()
        };
        assert_eq!(render(DANGER), render(PLAIN));
        assert_eq!(render(PLAIN), "a          b\nlong name  c\n");
    }

    #[test]
    fn a_long_last_cell_folds_beside_the_others_or_below_them() {
        let mut table = Table::new();
        table.row(["name".into(), "one two three four five six seven".into()]);
        assert_eq!(table.render("", 47), "name  one two three four five six seven\n");
        assert_eq!(table.render("", 30), "name\n      one two three four five\n      six seven\n");
        let long = "long ".repeat(20);
        table.row(["name".into(), long.trim().into()]);
        assert_eq!(table.render("", 60).lines().count(), 3);
        assert_eq!(table.render("", usize::MAX).lines().count(), 2);
    }

    #[test]
    fn what_would_act_on_the_terminal_is_escaped() {
        let bad = "x\u{1b}[2J\n+ nothing\u{202e}";
        let mut table = Table::new();
        table.row([bad.into(), bad.into()]);
        let text = table.render("", 80);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(!text.contains('\u{202e}') && !text.contains("\u{1b}[2J"), "{text}");
    }
}
