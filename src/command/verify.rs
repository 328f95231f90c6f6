//! `kpki verify`

use std::path::{Path, PathBuf};

use super::folder::DESCRIPTION;
use super::{Outcome, clock, live, terminal};
use crate::cli::VerifyArgs;
use crate::error::{Error, Result, relative_to};
use crate::lint::{Counts, Tree, lint};
use crate::render::verify_report;
use crate::shell;
use crate::sources::size_in_words;
use crate::state::OUT;
use crate::store::walk::WALK_LIMIT;
use crate::store::{Seen, walk};
use crate::visible;

pub(super) fn run(directory: &Path, args: &VerifyArgs) -> Result<Outcome> {
    if args.live {
        return live::run(directory, args);
    }
    let folder = folder(directory, args.path.as_deref())?;
    let now = args.future.from(clock);
    let tree = read(&folder, directory)?;
    let shown = folder.display().to_string();
    let (counts, findings) = (tree.counts(), lint(&tree, now));
    if findings.is_empty() && counts.is_nothing() {
        return Err(nothing_in(&folder, counts));
    }
    let report = verify_report(&shown, now, counts, &findings);
    terminal::print(&report, args.output.format)?;
    if counts.is_nothing() && !report.has_errors() {
        return Err(nothing_in(&folder, counts));
    }
    Ok(if report.has_errors() { Outcome::Differences } else { Outcome::Done })
}

/// Where there was nothing to judge, nothing is right: the path may be a wrong one.
fn nothing_in(folder: &Path, counts: Counts) -> Error {
    let what = "no certificate, key, kubeconfig or manifest";
    let error = Error::refused(format!("{what} was found in {}", visible::path(folder)));
    error.help(match counts.sealed {
        0 => "name the folder that holds them: kpki verify /etc/kubernetes".to_owned(),
        1 => "one sealed file was not looked into".to_owned(),
        sealed => format!("{sealed} sealed files were not looked into"),
    })
}

/// As it is named from where the user stands; the project's `out/` where none is.
fn folder(directory: &Path, path: Option<&Path>) -> Result<PathBuf> {
    let folder = if let Some(path) = path {
        path.to_path_buf()
    } else {
        let out = relative_to(&directory.join(OUT), Path::new("."));
        if !out.is_dir() {
            return Err(Error::refused("there is no out/ here to verify")
                .help("name a folder: kpki verify /etc/kubernetes"));
        }
        out
    };
    if folder.is_file() {
        let shown = visible::path(&folder);
        return Err(Error::refused(format!("{shown} is a file, not a folder"))
            .help(format!("kpki show {} tells what it holds", shell::path(&folder))));
    }
    Ok(folder)
}

fn read(folder: &Path, directory: &Path) -> Result<Tree> {
    let base = std::fs::canonicalize(folder)
        .map_err(|error| Error::io("read the folder", folder, &error))?;
    let out = std::fs::canonicalize(directory.join(OUT));
    let is_output =
        directory.join(DESCRIPTION).is_file() && out.is_ok_and(|out| base.starts_with(out));
    let name = base.to_string_lossy();
    let mut tree = if is_output { Tree::of_output(&name) } else { Tree::new(&name) };
    walk(folder, &mut |path, seen| match seen {
        Seen::File { access, bytes } => tree.add(path, access, bytes.expose()),
        Seen::LooseFolder(loose) => tree.add_loose_folder(path, loose),
        Seen::Symlink(target) => tree.add_link(path, &target),
        Seen::TooLarge => {
            // What is no PKI file by its name is nobody's concern: a database, an archive.
            let end = path.rsplit('.').next().unwrap_or_default();
            if ["crt", "key", "pem", "conf", "kubeconfig", "yaml", "pub"].contains(&end) {
                let why = format!("larger than {}", size_in_words(WALK_LIMIT));
                tree.add_unread(path, why);
            }
        }
        Seen::Unreadable(why) => tree.add_unread(path, why),
    })?;
    Ok(tree)
}
