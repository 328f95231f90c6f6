//! What an interrupted apply left, seen from this machine, and the files as they will be once it is finished.

use std::collections::BTreeMap;
use std::path::Path;

use super::{git, machine, terminal};
use crate::error::{Error, Kind, Result};
use crate::graph::Graph;
use crate::keys::Entropy;
use crate::name::TreePath;
use crate::plan::{Finishing, Intent, Interruption, replaced_roots};
use crate::state::{Lock, is_public};
use crate::store::{
    Disk, Doubt, EntryKind, Found, FoundKind, Interrupted, JournalKey, PENDING, Pending, RealDisk,
    Touch, interrupted, pending,
};

/// For a command that writes. Without a machine key it goes on; only, what it leaves at a crash nobody
/// finishes without asking.
pub(super) fn key() -> Result<JournalKey> {
    match machine::key_or_new() {
        Ok(key) => Ok(JournalKey::of(&key)),
        Err(_) => JournalKey::of_this_run(&Entropy::system()),
    }
}

/// `None`: nothing is recorded that is not complete.
pub(super) fn look(directory: &Path, disk: &RealDisk) -> Result<Option<Interrupted>> {
    let key = machine::key().map(|key| key.as_ref().map(JournalKey::of));
    let key = key.as_ref().map(Option::as_ref).map_err(String::as_str);
    let mut found = interrupted(disk, key)?;
    if let Some(found) = &mut found
        // What is in doubt already waits for a person: it is asked once one consents.
        && found.doubt.is_none()
        && git::tracks_below(directory, PENDING)?
    {
        found.doubt = Some(Doubt::Tracked);
    }
    Ok(found)
}

/// Whether a plan is made for what finishing it leaves.
pub(super) fn is_looked_through(found: &Interrupted) -> bool {
    found.doubt.as_ref().is_none_or(Doubt::yields_to_consent)
}

/// The files below `out/` as finishing leaves them. What is staged must be listed before what is in place: it
/// moves from there to here while another apply runs.
pub(super) fn finished(
    found: &Interrupted,
    staged: Vec<Found>,
    in_place: Vec<Found>,
) -> Vec<Found> {
    let files = |found: Vec<Found>| -> BTreeMap<String, FoundKind> {
        found.into_iter().map(|found| (found.path, found.kind)).collect()
    };
    let (mut staged, mut all) = (files(staged), files(in_place));
    for (path, touch) in found.touches() {
        let path = path.as_str();
        match touch {
            Touch::Put => {
                if let Some(kind) = staged.remove(path) {
                    all.insert(path.to_owned(), kind);
                }
            }
            Touch::Remove => {
                all.remove(path);
            }
            Touch::Mode(wanted) => {
                if let Some(FoundKind::ReadFile { mode, .. } | FoundKind::SecretFile { mode, .. }) =
                    all.get_mut(path)
                {
                    *mode = wanted;
                }
            }
        }
    }
    all.into_iter().map(|(path, kind)| Found { path, kind }).collect()
}

/// What a plan says of it. `before`: the lock in force.
pub(super) fn judge(
    directory: &Path,
    found: &Interrupted,
    disk: &RealDisk,
    graph: &Graph,
    (before, after): (&Lock, &Lock),
    intent: &Intent,
) -> Result<Interruption> {
    let of = |wanted: fn(Touch) -> bool| -> Vec<TreePath> {
        let touches = found.touches().filter(|(_, touch)| wanted(*touch));
        touches.map(|(path, _)| path.clone()).collect()
    };
    let finishing = match &found.doubt {
        None => Finishing::ByItself,
        Some(doubt) if doubt.yields_to_consent() => {
            let given = intent.allows_interrupted(&found.identity);
            // Asked of Git only now, so that a plan of what a fork brings starts no program.
            if given && git::tracks_below(directory, PENDING)? {
                never(&Doubt::Tracked)
            } else {
                Finishing::Consent { why: doubt.to_string(), given }
            }
        }
        Some(doubt) => never(doubt),
    };
    let mut rewritten = Vec::new();
    if let Finishing::Consent { .. } = finishing {
        for (path, touch) in found.touches() {
            if may_hold_root(graph, path) && differs(disk, path, touch)? {
                rewritten.push(path.clone());
            }
        }
    }
    let replaces = match finishing {
        Finishing::Never { .. } => Vec::new(),
        _ => replaced_roots(graph, (before, after), &rewritten, |name| {
            found.allows_replacing(name) || intent.allows_replacing(name)
        }),
    };
    Ok(Interruption {
        identity: found.identity,
        writes: of(|touch| touch == Touch::Put),
        removes: of(|touch| touch == Touch::Remove),
        modes: of(|touch| matches!(touch, Touch::Mode(_))),
        replaces,
        finishing,
    })
}

fn never(doubt: &Doubt) -> Finishing {
    Finishing::Never { why: doubt.to_string(), is_tracked: *doubt == Doubt::Tracked }
}

/// A file that holds a root of trust's private key, sealed or not.
fn may_hold_root(graph: &Graph, path: &TreePath) -> bool {
    let clear = crate::state::sealed_secret(path.as_str()).unwrap_or(path.as_str());
    graph.placed(clear).is_some_and(|place| {
        place.content.is_secret() && graph.get(place.derivation).recipe.is_anchor()
    }) || (clear.starts_with("ca/") && !is_public(clear))
}

/// Finishing takes away what is here now.
fn differs(disk: &RealDisk, path: &TreePath, touch: Touch) -> Result<bool> {
    let (here, staged) = (format!("out/{path}"), format!("{PENDING}/tree/{path}"));
    let there = |path: &str| Ok::<_, Error>(!matches!(disk.kind(path)?, EntryKind::Missing));
    match touch {
        Touch::Mode(_) => Ok(false),
        Touch::Remove => there(&here),
        Touch::Put => {
            Ok(there(&here)? && there(&staged)? && disk.read(&here)? != disk.read(&staged)?)
        }
    }
}

/// Stops an apply that may not finish what is there.
pub(super) fn refuse(interruption: &Interruption, told: &str) -> Result<()> {
    if !interruption.stops() {
        return Ok(());
    }
    let message = format!("an apply was interrupted\n\n{}", told.trim_end());
    let git = match &interruption.finishing {
        Finishing::Never { is_tracked: true, .. } => "git rm -r --cached out/.pending, then ",
        _ => "",
    };
    Err(Error::new(kind(interruption), message)
        .help(format!("{git}kpki discard sets it aside; kpki plan shows what it would do")))
}

/// How an apply fails that it stops.
pub(super) fn kind(interruption: &Interruption) -> Kind {
    match interruption.finishing {
        Finishing::Never { .. } => Kind::Refused,
        _ => Kind::NeedsAllow,
    }
}

/// While an interrupted apply waits, every command says so.
///
/// `tells_itself`: the command's product has what is to be said of one that is recorded.
pub(super) fn warn(directory: &Path, tells_itself: bool) {
    let Ok(disk) = RealDisk::open(directory) else {
        return;
    };
    match pending(&disk) {
        Ok(Pending::Staged) => terminal::note(
            "note: an earlier apply was interrupted before its changes counted (or is running now); the next apply \
             clears them away",
        ),
        Ok(Pending::Unfinished) if tells_itself => {}
        Ok(Pending::Unfinished) => match look(directory, &disk) {
            Ok(Some(Interrupted { doubt: Some(doubt), .. })) => terminal::note(&format!(
                "note: an interrupted apply is not finished: {doubt}; kpki plan shows what it would do, kpki discard \
                 sets it aside"
            )),
            _ => terminal::note(
                "note: an earlier apply was interrupted half-way (or is running now); out/ is not consistent until \
                 the next `kpki apply` finishes it",
            ),
        },
        Ok(Pending::Nothing) | Err(_) => {}
    }
}
