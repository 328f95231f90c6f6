//! The few colours. Whether they reach the eye is decided where they are printed.

use anstyle::{AnsiColor, Style};

pub const PLAIN: Style = Style::new();
pub const GOOD: Style = AnsiColor::Green.on_default();
pub const CHANGE: Style = AnsiColor::Yellow.on_default();
pub const DANGER: Style = AnsiColor::Red.on_default().bold();
pub const MINOR: Style = AnsiColor::Cyan.on_default();
pub const STRONG: Style = Style::new().bold();

pub fn paint(style: Style, text: &str) -> String {
    if style == PLAIN || text.is_empty() {
        text.to_owned()
    } else {
        format!("{style}{text}{style:#}")
    }
}
