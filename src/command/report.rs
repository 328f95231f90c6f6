//! `kpki report`: a page for people, written where they say.

use std::path::Path;

use super::folder::Folder;
use super::product_file::{self, Product, Whose};
use super::{Outcome, clock, terminal};
use crate::cli::ReportArgs;
use crate::error::Result;
use crate::plan::{Intent, plan};
use crate::render::{PAGE_BEGINS, page};
use crate::visible;

pub(super) fn run(directory: &Path, args: &ReportArgs) -> Result<Outcome> {
    let Folder { project, sources, .. } = Folder::read(directory)?;
    let world = project.world(args.future.from(clock));
    let plan = plan(world, &project.spec, &Intent::default());
    let page = page(world, &project.spec, &plan);
    if args.output == Path::new("-") {
        terminal::product(&page)?;
    } else {
        let whose = Whose { directory, sources: &sources };
        product_file::place(whose, &args.output, &PAGE)?.write(page.as_bytes(), &PAGE)?;
        let kib = page.len().div_ceil(1024);
        let shown = visible::path(&args.output);
        let text = format!("wrote {shown} ({kib} KiB)\n");
        terminal::product_after(&format!("{shown} was written"), &text)?;
    }
    Ok(Outcome::Done)
}

const PAGE: Product<'_> = Product {
    none: "no report of kpki",
    example: "report.html",
    is_own: |bytes| bytes.starts_with(PAGE_BEGINS.as_bytes()),
    mode: 0o666, // what the umask leaves of it
};
