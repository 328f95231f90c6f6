//! What Git prints of objects, piece by piece.

use std::io::{BufRead, BufReader, Read as _};
use std::process::{Child, ChildStdout, Stdio};

use super::Git;
use super::failure::{cannot_run, failed};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// What `git cat-file --batch` says of one object.
pub(in crate::command) struct Object {
    pub name: String,
    /// At most as many as were asked for.
    pub bytes: Secret,
    pub size: u64,
}

impl Object {
    /// `OBJECT blob SIZE`, a line end, the bytes and a line end. `None`: there are no more.
    pub(in crate::command) fn read(
        answers: &mut impl BufRead,
        limit: u64,
    ) -> std::io::Result<Option<Object>> {
        let mut head = String::new();
        if answers.read_line(&mut head)? == 0 {
            return Ok(None);
        }
        let mut words = head.trim_end().split(' ');
        let size = words.clone().next_back();
        let (Some(name), Some(size)) =
            (words.next(), size.and_then(|size| size.parse::<u64>().ok()))
        else {
            return Err(std::io::Error::other(format!(
                "it does not give an object: {} (a partial clone lacks some)",
                head.trim_end()
            )));
        };
        let shown = size.min(limit);
        let mut bytes = Vec::with_capacity(usize::try_from(shown).unwrap_or(0) + 1);
        answers.take(shown).read_to_end(&mut bytes)?;
        std::io::copy(&mut answers.take(size - shown + 1), &mut std::io::sink())?;
        Ok(Some(Object { name: name.to_owned(), bytes: Secret::new(bytes), size }))
    }
}

/// Two runs of Git, the second of which reads what the first one prints.
pub(in crate::command) struct Pipe {
    runs: [Child; 2],
    pub output: BufReader<ChildStdout>,
}

impl Pipe {
    pub(in crate::command) fn of(git: &Git, first: &[&str], second: &[&str]) -> Result<Pipe> {
        let start = |words: &[&str], input: Stdio| {
            let mut command = git.command();
            command.args(words).stdin(input).stdout(Stdio::piped());
            command.spawn().map_err(|error| cannot_run(&error))
        };
        let no_pipe = || Error::internal("git has no pipes");
        let mut first = start(first, Stdio::null())?;
        let between = first.stdout.take().ok_or_else(no_pipe)?;
        let mut second = start(second, between.into())?;
        let output = BufReader::new(second.stdout.take().ok_or_else(no_pipe)?);
        Ok(Pipe { runs: [first, second], output })
    }

    /// After everything was read.
    pub(in crate::command) fn finish(self) -> Result<()> {
        let Pipe { runs, output } = self;
        drop(output);
        for mut run in runs {
            let status = run.wait().map_err(|error| cannot_run(&error))?;
            if !status.success() {
                return Err(failed("it ended with an error"));
            }
        }
        Ok(())
    }
}
