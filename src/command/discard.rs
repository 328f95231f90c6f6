//! `kpki discard`: an interrupted apply is set aside.

use std::path::Path;

use super::{Outcome, interrupted, terminal};
use crate::error::Result;
use crate::store::{RealDisk, begin};

/// Nothing of the project is read: whatever state it is in, this way out is open.
pub(super) fn run(directory: &Path) -> Result<Outcome> {
    let disk = RealDisk::open(directory)?;
    let transaction = begin(&disk, interrupted::key()?)?;
    match transaction.discard()? {
        None => terminal::product("no interrupted apply is here\n")?,
        Some(place) => {
            let text = format!(
                "set aside: {place}\n\
                 It may hold private keys: new files are in tree/, replaced ones in old/, and journal says what \
                 belongs where.\nnext: kpki plan; delete the folder once nothing in it is missed\n"
            );
            terminal::product_after(
                &format!("the interrupted apply was set aside in {place}"),
                &text,
            )?;
        }
    }
    Ok(Outcome::Done)
}
