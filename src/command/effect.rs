//! What became of the files, beside an error: said only where it is true.

use std::cell::Cell;

use crate::error::{Error, Kind, NOTHING_WRITTEN, Result};
use crate::store::{Effect, Failed, Pending, RealDisk, Settled, pending};

/// What a command that writes has done so far.
pub(super) struct Progress {
    disk: Option<RealDisk>,
    was_unfinished: bool,
    settled: Cell<Settled>,
    effect: Cell<Effect>,
}

impl Progress {
    /// Before the command does anything.
    pub fn of(disk: Result<RealDisk>) -> Self {
        let disk = disk.ok();
        Progress {
            was_unfinished: disk.as_ref().is_some_and(is_unfinished),
            disk,
            settled: Cell::new(Settled::Nothing),
            effect: Cell::new(Effect::Nothing),
        }
    }

    /// Takes a result of the store.
    pub fn take<T>(&self, result: Result<T, Failed>) -> Result<T> {
        result.map_err(|failed| {
            self.effect.set(failed.effect);
            failed.error
        })
    }

    pub fn settled(&self, settled: Settled) {
        self.settled.set(settled);
    }

    /// The change is in force, whatever comes after it.
    pub fn complete(&self) {
        self.effect.set(Effect::Complete);
    }

    /// The error, with what is true of the files.
    pub fn tell(&self, error: Error) -> Error {
        // A journal may be there though the commit failed: a disk that fails does not undo either.
        let is_unfinished = self.disk.as_ref().is_some_and(is_unfinished);
        let effect = match self.effect.get() {
            Effect::Nothing if is_unfinished && !self.was_unfinished => Effect::Recorded,
            effect => effect,
        };
        let (fact, help) = match (effect, self.settled.get()) {
            (Effect::Nothing, _)
                if error.kind == Kind::Usage || error.message.ends_with(NOTHING_WRITTEN) =>
            {
                return error;
            }
            (Effect::Nothing, Settled::Finished) => (
                "the interrupted apply before this one was finished; nothing else was written",
                None,
            ),
            (Effect::Nothing, _) => (NOTHING_WRITTEN, None),
            (Effect::Recorded, _) => {
                ("the change is recorded and not complete", Some("kpki apply finishes it"))
            }
            (Effect::Complete, _) => (
                "out/ and cluster.lock are up to date all the same",
                Some(
                    "kpki plan shows the state; what is left below out/.pending the next apply clears away",
                ),
            ),
        };
        // A list has room around it.
        let gap = if error.message.contains("\n\n") { "\n\n" } else { "\n" };
        Error {
            message: format!("{}{gap}{fact}", error.message),
            help: help.map(str::to_owned).or(error.help),
            ..error
        }
    }
}

fn is_unfinished(disk: &RealDisk) -> bool {
    pending(disk).ok() == Some(Pending::Unfinished)
}
