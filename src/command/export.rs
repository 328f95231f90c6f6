//! `kpki export`: one node's tree as an archive.

use std::collections::BTreeSet;
use std::path::Path;

use super::node::Tree;
use super::product_file::{self, Product, Whose};
use super::{Outcome, terminal};
use crate::cli::ExportArgs;
use crate::error::{Error, Kind, Result};
use crate::first_few;
use crate::install::{Record, archive, is_archive, is_signing_file};
use crate::name::NameError;
use crate::render::printable;
use crate::sealed::seal;
use crate::sealed::{LIST_LIMIT, Recipient, Recipients, SUFFIX, is_secret, listed};
use crate::secret::Secret;
use crate::shell;
use crate::sources::read_regular;
use crate::store::RECORD;
use crate::visible;

/// It holds private keys.
const MODE: u32 = 0o600;

pub(super) fn run(directory: &Path, args: &ExportArgs) -> Result<Outcome> {
    let to_stdout = args.output == Path::new("-");
    if to_stdout {
        terminal::refuse_terminal(
            "an archive with private keys",
            "name a file (-o FILE), or pipe it on",
        )?;
    }
    let shown = visible::path(&args.output);
    let recipients = recipients(args)?;
    if recipients.is_none() && looks_sealed(&args.output) {
        let message = format!("{shown} is called as if it were sealed, and no recipient is given");
        let help = "add --recipient age1... or --recipients-file FILE, or leave out the .age";
        return Err(Error::new(Kind::Usage, message).help(help));
    }
    let tree = Tree::read(directory, &args.node, &args.identities)?;
    let node = &tree.node.name;
    let cluster = &tree.folder.project.spec.cluster.name;
    let record = Record::of(cluster, node, &tree.files);
    let archive = archive(&tree.files, &record, RECORD).map_err(Error::refused)?;
    let bytes = match &recipients {
        None => archive,
        Some(recipients) => {
            let sealed = seal(recipients, archive.expose());
            Secret::new(sealed.map_err(|error| Error::internal(error.to_string()))?)
        }
    };
    if tree.files.iter().any(|file| is_signing_file(&file.path)) {
        terminal::talk(
            "note: a rotation of ca/kubernetes is under way: unpacking does not hand the controller-manager over to its \
             signing file before ca.crt holds two certificates, as kpki install does (docs/rotate.md)",
        );
    }
    let open = recipients.as_ref().map_or("", |_| "age -d -i KEY ");
    if to_stdout {
        terminal::archive(bytes.expose())?;
        let pipe = if open.is_empty() { "" } else { "| " };
        terminal::note(&format!("unpack as root on {node}: {open}{pipe}tar -xpf - -C /"));
        return Ok(Outcome::Done);
    }
    let example = match &recipients {
        None => format!("{node}.tar"),
        Some(_) => format!("{node}.tar{SUFFIX}"),
    };
    let product = Product {
        none: "no archive of kpki in the clear",
        example: &example,
        is_own: |bytes| is_archive(bytes, RECORD),
        mode: MODE,
    };
    let whose = Whose { directory, sources: &tree.folder.sources };
    product_file::place(whose, &args.output, &product)?.write(bytes.expose(), &product)?;
    let (holds, unpack) = match &recipients {
        None => (
            "which holds private keys".to_owned(),
            format!("tar -xpf {} -C /", shell::path(&args.output)),
        ),
        Some(recipients) => (
            format!("sealed for {}", names(recipients)),
            format!("{open}{} | tar -xpf - -C /", shell::path(&args.output)),
        ),
    };
    let text = format!(
        "wrote {} files of {node} to {shown}, {holds}\nnext: unpack it as root on {node}: {unpack}\n",
        tree.files.len()
    );
    terminal::product_after(&format!("{shown} was written"), &text)?;
    Ok(Outcome::Done)
}

/// It would be taken for something that anybody may see.
fn looks_sealed(output: &Path) -> bool {
    let ending = output.extension().and_then(|ending| ending.to_str());
    ending.is_some_and(|ending| SUFFIX.trim_start_matches('.').eq_ignore_ascii_case(ending))
}

/// Of more than this the rest is counted.
const NAMED: usize = 5;

fn names(recipients: &Recipients) -> String {
    first_few::names(NAMED, recipients.iter().map(Recipient::short_name))
}

/// `None`: the archive is to be in the clear.
fn recipients(args: &ExportArgs) -> Result<Option<Recipients>> {
    let usage = |message: String| Error::new(Kind::Usage, message);
    let mut all = BTreeSet::new();
    for text in &args.recipient {
        if is_secret(text) {
            let help = "the public half belongs there; a key that stood in a command line is known to more than you";
            return Err(usage("--recipient is given a secret key".to_owned()).help(help));
        }
        let recipient = text.parse().map_err(|why: NameError| {
            usage(format!("--recipient \"{}\" {why}", printable(text)))
        })?;
        all.insert(recipient);
    }
    for path in &args.recipients_file {
        let shown = visible::path(path);
        let refused = |why: String| Error::refused(format!("{shown} {why}"));
        let bytes = read_regular(path, LIST_LIMIT)
            .map_err(|why| refused(format!("cannot be read: {why}")))?;
        if bytes.len() > LIST_LIMIT {
            return Err(refused("is larger than 64 KiB".to_owned()));
        }
        let lines = listed(&bytes).map_err(|why| refused(why.to_string()).help(why.help()))?;
        for (number, line) in lines {
            let recipient =
                line.map_err(|why| Error::refused(format!("{shown}:{number} {why}")))?;
            all.insert(recipient);
        }
    }
    Ok(Recipients::of(all))
}
