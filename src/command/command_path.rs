//! Where a path of the command line leads. The operator chose it; a link on it may have come with a
//! repository.

use std::fs;
use std::io::{ErrorKind, Result};
use std::path::{Component, Path, PathBuf};

use rustix::io::Errno;

/// Linux follows as many (`MAXSYMLINKS`).
const LINKS: usize = 40;

pub(super) struct Way {
    /// Without any link; what is missing at its end stands there as it was written.
    pub real: PathBuf,
    links: Vec<PathBuf>,
}

impl Way {
    pub fn of(path: &Path) -> Result<Way> {
        let start = if path.is_absolute() { "/" } else { "." };
        let mut way = Way { real: fs::canonicalize(start)?, links: Vec::new() };
        way.walk(path)?;
        Ok(way)
    }

    /// A link's text is walked like the path itself: it may lead through links that others made.
    fn walk(&mut self, path: &Path) -> Result<()> {
        for component in path.components() {
            match component {
                Component::Prefix(_) | Component::CurDir => {}
                Component::RootDir => self.real = PathBuf::from("/"),
                Component::ParentDir => {
                    self.real.pop();
                }
                Component::Normal(name) => self.step(&self.real.join(name))?,
            }
        }
        Ok(())
    }

    fn step(&mut self, here: &Path) -> Result<()> {
        match here.symlink_metadata() {
            Ok(facts) if facts.is_symlink() => {
                self.links.push(here.to_owned());
                if self.links.len() > LINKS {
                    return Err(Errno::LOOP.into());
                }
                self.walk(&fs::read_link(here)?)?;
            }
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => here.clone_into(&mut self.real),
        }
        Ok(())
    }

    /// A link that whoever writes to a repository may have made: it lies in the project, or where Git keeps
    /// files.
    pub fn brought_link(&self, project: &Path) -> Option<&Path> {
        let project = fs::canonicalize(project).ok();
        let is_brought = |link: &&PathBuf| {
            let inside = (project.as_ref()).is_some_and(|project| link.starts_with(project));
            let mut above = link.ancestors().skip(1);
            inside || above.any(|folder| folder.join(".git").symlink_metadata().is_ok())
        };
        self.links.iter().find(is_brought).map(PathBuf::as_path)
    }
}
