//! The one room that prints: the product to stdout, the talk to stderr. Whoever makes a text escapes what is
//! not its own; whatever was missed loses here what acts on a terminal, but for line ends and colours.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::{Color, PrintedAs};
use crate::error::{Error, Kind, Result};
use crate::secret::Secret;
use crate::store::Settled;
use crate::visible;

/// Nothing is said but the product and errors.
static QUIET: AtomicBool = AtomicBool::new(false);

pub(super) fn be_quiet() {
    QUIET.store(true, Ordering::Relaxed);
}

fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// For everything that is printed from now on.
pub(super) fn use_color(when: Color) {
    match when {
        Color::Auto => anstream::ColorChoice::Auto,
        Color::Always => anstream::ColorChoice::Always,
        Color::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// To stdout, as one write. A reader that went away (`| head`) is no failure.
pub(super) fn product(text: &str) -> Result<()> {
    let mut out = anstream::stdout().lock();
    match out.write_all(visible::styled_lines(text).as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::refused(format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// As [`product`], after something was done: that it was matters more than that nobody was told.
pub(super) fn product_after(done: &str, text: &str) -> Result<()> {
    product(text)
        .map_err(|error| Error { message: format!("{done}, but {}", error.message), ..error })
}

/// What stands above one of several products.
pub(super) fn heading(before: &str, text: &str) -> Result<()> {
    let style = anstyle::Style::new().bold();
    product(&format!("{before}{style}{text}:{style:#}\n"))
}

/// A report, as the user wants it.
pub(super) fn shown<R>(report: &R, format: impl PrintedAs<R>) -> Result<String> {
    format.text(report, columns())
}

/// The same to stdout.
pub(super) fn print<R>(report: &R, format: impl PrintedAs<R>) -> Result<()> {
    product(&shown(report, format)?)
}

/// To stdout for a program that reads it: no style, whoever asks for one.
pub(super) fn plain(text: &str) -> Result<()> {
    archive(visible::lines(text).as_bytes())
}

/// Before secrets are read: a screen's memory would keep them.
pub(super) fn refuse_terminal(what: &str, help: &str) -> Result<()> {
    if std::io::stdout().is_terminal() {
        let message = format!("{what} is not written to a terminal");
        return Err(Error::new(Kind::Usage, message).help(help));
    }
    Ok(())
}

/// Bytes to stdout, all of them or an error.
pub(super) fn archive(bytes: &[u8]) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(bytes)
        .and_then(|()| out.flush())
        .map_err(|error| Error::refused(format!("cannot write to stdout: {error}")))
}

/// Good to know, and no error.
pub(super) fn note(text: &str) {
    if !is_quiet() {
        talk(text);
    }
}

/// To stderr; nothing can be done where that fails.
pub(super) fn talk(text: &str) {
    let text = visible::styled_lines(text);
    let _ = writeln!(anstream::stderr().lock(), "{text}");
}

/// What became of an apply that was interrupted.
pub(super) fn settled(settled: Settled) {
    match settled {
        Settled::Nothing => {}
        Settled::Finished => note("note: finished an apply that was interrupted"),
        Settled::Undone => note("note: cleared away an apply that was interrupted"),
    }
}

pub(super) fn error(error: &Error) {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    talk(&format!("{style}error{style:#}: {}", error.message));
    if let Some(help) = &error.help {
        let style = anstyle::Style::new().bold();
        talk(&format!("{style}help{style:#}: {help}"));
    }
}

/// How wide a line of the product may be: COLUMNS, the terminal's width, or no limit where nobody looks at
/// lines (a pipe, a file).
pub(super) fn columns() -> usize {
    let told = std::env::var("COLUMNS").ok().and_then(|text| text.parse::<usize>().ok());
    let columns = match told.filter(|columns| *columns > 0) {
        Some(columns) => columns,
        None if !std::io::stdout().is_terminal() => return usize::MAX,
        None => match rustix::termios::tcgetwinsize(std::io::stdout()) {
            Ok(size) if size.ws_col > 0 => usize::from(size.ws_col),
            _ => 80,
        },
    };
    columns.max(40)
}

/// A path as a person would write it: `./out` reads worse than `out`.
pub(super) fn written_path(path: &Path) -> String {
    let path: PathBuf = path.components().skip_while(|part| part.as_os_str() == ".").collect();
    visible::path(&path)
}

/// The one thing ever asked for. The error reads after a file's name.
#[cfg(feature = "age")]
pub(super) fn passphrase(prompt: &str) -> Result<Secret, String> {
    // Without a place to ask, or someone who sees the question, it would wait for ever.
    if !std::io::stderr().is_terminal() {
        return Err("has a passphrase, and this is no terminal to ask for it".to_owned());
    }
    rpassword::prompt_password(prompt)
        .map(|text| Secret::new(text.into_bytes()))
        .map_err(|error| format!("has a passphrase, and asking for it failed: {error}"))
}

#[cfg(not(feature = "age"))]
pub(super) fn passphrase(_prompt: &str) -> Result<Secret, String> {
    Err("is of no use: this kpki was built without the feature `age`".to_owned())
}

/// Whether messages rendered by others may use colour.
pub(super) fn stderr_has_color() -> bool {
    anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never
}

/// A bar for long work: on a terminal only, and only after half a second.
pub(super) fn progress(steps: usize) -> ProgressBar {
    let terminal = std::io::stderr().is_terminal()
        && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
    if !terminal || is_quiet() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::hidden());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg} {eta}") {
        bar.set_style(style);
    }
    bar
}

/// How long work runs before its bar shows.
pub(super) const PATIENCE: Duration = Duration::from_millis(500);

/// Shows a bar that [`progress`] made.
pub(super) fn reveal(bar: &ProgressBar) {
    bar.set_draw_target(ProgressDrawTarget::stderr());
}
