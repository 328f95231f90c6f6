//! The read-only tree that a description and everything it names come from.
//!
//! Paths are relative, in slashes, below the tree's root. Every read states its limit, so that no input
//! file can fill the memory, and opens without blocking, so that no FIFO can stop the program. What a link
//! leads to counts by where it really lies: outside of the tree nothing is read, and a link makes no text of
//! another kind of file, or of Git's own files, a text that a message may quote.
//!
//! A description has at most 3 MiB in all: the KDL reader takes about a second for a MiB on one core, and a
//! hostile file must end in an error within two.
//!
//! The copy of a node that `adopt` is given is read here, too ([`node`]): a folder or a tar.
//!
//! May import names and `machine`. Never here: a write, and what a file means.

pub mod beneath;
pub mod node;
pub mod owner;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use beneath::{Led, NO_SUCH_FILE, Regular, SPECIAL};

/// Where input files come from.
#[derive(Debug, Clone)]
pub enum Sources {
    /// A folder on disk.
    Folder(PathBuf),
    /// A folder on disk, and what was asked for.
    Noted(Noted),
    /// Paths and their bytes.
    Memory(BTreeMap<String, Vec<u8>>),
    /// A folder of a revision.
    Tree(Arc<Tree>),
}

/// A folder that remembers every file that was looked for in it, found or not, by where it really lies.
#[derive(Debug, Clone)]
pub struct Noted {
    root: PathBuf,
    asked: Arc<Mutex<BTreeSet<String>>>,
}

impl Noted {
    pub fn new(root: &Path) -> Self {
        Noted { root: root.to_owned(), asked: Arc::default() }
    }

    /// Sorted, relative to the folder.
    pub fn asked(&self) -> BTreeSet<String> {
        let asked = self.asked.lock();
        asked.unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, real: &str) {
        let asked = self.asked.lock();
        let mut asked = asked.unwrap_or_else(PoisonError::into_inner);
        asked.insert(real.to_owned());
    }
}

/// A folder as a repository holds it: everything in it by path; a file is fetched when it is read.
pub struct Tree {
    pub entries: BTreeMap<String, TreeEntry>,
    /// Gives the bytes of an object, or why not.
    pub fetch: Box<Fetch>,
}

type Fetch = dyn Fn(&str) -> Result<Vec<u8>, String> + Send + Sync;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TreeEntry {
    File { object: String, size: usize },
    Symlink,
    Submodule,
}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.keys()).finish()
    }
}

impl Tree {
    fn read(&self, path: &str, limit: usize) -> Result<Vec<u8>, String> {
        match self.entries.get(path) {
            Some(TreeEntry::File { size, .. }) if *size > limit => Err(larger(limit)),
            Some(TreeEntry::File { object, .. }) => (self.fetch)(object),
            Some(TreeEntry::Symlink) => Err(SYMLINK.to_owned()),
            Some(TreeEntry::Submodule) => Err(SUBMODULE.to_owned()),
            None => Err(self.absent(path).to_owned()),
        }
    }

    /// A link or another repository on the way hides what would be there.
    fn absent(&self, path: &str) -> &'static str {
        let mut above = path;
        while let Some((folder, _)) = above.rsplit_once('/') {
            above = folder;
            match self.entries.get(above) {
                Some(TreeEntry::Symlink) => return SYMLINK,
                Some(TreeEntry::Submodule) => return SUBMODULE,
                _ => {}
            }
        }
        let below = format!("{path}/");
        let mut after = self.entries.range(below.clone()..);
        match after.next() {
            Some((next, _)) if next.starts_with(&below) => "a folder, not a file",
            _ => NO_SUCH_FILE,
        }
    }
}

const SYMLINK: &str = "a symbolic link, which is not followed in a revision";
const SUBMODULE: &str = "in a submodule, which is not a part of the revision";

/// Why a file cannot be read; always names the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read {path}: {why}")]
pub struct SourceError {
    pub path: String,
    pub why: String,
}

impl SourceError {
    /// The file is there, and the operating system does not let us read it.
    pub fn is_denied(&self) -> bool {
        owner::says_denied(&self.why)
    }
}

impl Sources {
    /// As [`Sources::read`]; `None` where no such file is.
    pub fn read_if_there(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, SourceError> {
        match self.read(path, limit) {
            Err(error) if error.why == NO_SUCH_FILE => Ok(None),
            read => read.map(Some),
        }
    }

    /// The bytes of one regular file, at most `limit` of them.
    pub fn read(&self, path: &str, limit: usize) -> Result<Vec<u8>, SourceError> {
        let refuse = |why: String| SourceError { path: path.to_owned(), why };
        check_path(path).map_err(|why| refuse(why.to_owned()))?;
        let bytes = match self {
            Sources::Folder(root) => {
                let led = beneath::follow(root, path);
                read_led(led, path, limit).map_err(refuse)?.bytes
            }
            Sources::Noted(noted) => {
                let led = beneath::follow(&noted.root, path);
                noted.note(&led.real);
                read_led(led, path, limit).map_err(refuse)?.bytes
            }
            Sources::Memory(files) => {
                files.get(path).ok_or_else(|| refuse(NO_SUCH_FILE.to_owned()))?.clone()
            }
            Sources::Tree(tree) => tree.read(path, limit).map_err(refuse)?,
        };
        if bytes.len() > limit {
            return Err(refuse(larger(limit)));
        }
        // A message about it would quote its lines.
        let key = b"PRIVATE KEY-----";
        let is_description = Path::new(path).extension().is_some_and(|end| end == "kdl");
        if is_description && bytes.windows(key.len()).any(|part| part == key) {
            return Err(refuse("a private key, not a description".to_owned()));
        }
        Ok(bytes)
    }
}

fn larger(limit: usize) -> String {
    format!("larger than {}", size_in_words(limit))
}

/// A file of a project that is no part of its description, such as a seed: by the same rules.
pub fn read_below(root: &Path, path: &str, limit: usize) -> Result<Regular, String> {
    check_path(path)?;
    read_led(beneath::follow(root, path), path, limit)
}

fn read_led(led: Led, path: &str, limit: usize) -> Result<Regular, String> {
    let entry = led.file?;
    check_path(&led.real)?;
    let quoted = language(path);
    if quoted.is_some() && language(&led.real) != quoted {
        return Err("a symbolic link to another kind of file".to_owned());
    }
    beneath::read(entry.open()?, limit)
}

/// Of a file whose lines a message may quote.
fn language(path: &str) -> Option<&'static str> {
    match path.rsplit_once('.')?.1 {
        "kdl" => Some("KDL"),
        "yaml" | "yml" => Some("YAML"),
        _ => None,
    }
}

fn check_path(path: &str) -> Result<(), &'static str> {
    if path.is_empty() {
        return Err("the path is empty");
    }
    if path.starts_with('/') {
        return Err("the path is absolute; write it relative to the description");
    }
    if path.contains(['\\', '\0']) {
        return Err("the path contains a backslash or a NUL byte; separate folders with `/`");
    }
    if path.split('/').any(|segment| segment.is_empty() || segment == "." || segment == "..") {
        return Err("the path leaves the description's folder or has an empty segment");
    }
    // Among its files are tokens; `.GIT` is the same folder on some disks.
    if path.split('/').any(|segment| segment.eq_ignore_ascii_case(".git")) {
        return Err("in Git's own folder, where no file of a description is");
    }
    Ok(())
}

/// A file that the operator names, wherever it is: links are followed. Up to one byte more than `limit`, so
/// that the caller sees when there was more.
pub fn read_regular(path: &Path, limit: usize) -> Result<Vec<u8>, String> {
    // O_NONBLOCK: opening a FIFO for reading waits for a writer otherwise (open(2)).
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let opened = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| match error {
        Errno::NOENT if path.is_symlink() => "a symbolic link to nothing".to_owned(),
        Errno::NOENT | Errno::NOTDIR => NO_SUCH_FILE.to_owned(),
        Errno::NXIO => SPECIAL.to_owned(),
        other => std::io::Error::from(other).to_string(),
    })?;
    Ok(beneath::read(opened, limit)?.bytes)
}

/// `64 KiB`, `1 MiB`.
pub fn size_in_words(bytes: usize) -> String {
    const KIB: usize = 1024;
    const MIB: usize = 1024 * KIB;
    match bytes {
        b if b >= MIB && b.is_multiple_of(MIB) => format!("{} MiB", b / MIB),
        b if b >= KIB && b.is_multiple_of(KIB) => format!("{} KiB", b / KIB),
        b => format!("{b} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use rustix::fs::FileType;

    use super::*;

    fn folder() -> (tempfile::TempDir, Sources) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.kdl"), "hello").unwrap();
        std::fs::create_dir(folder.path().join("sub")).unwrap();
        let sources = Sources::Folder(folder.path().to_path_buf());
        (folder, sources)
    }

    #[test]
    fn reads_a_file_up_to_its_limit() {
        let (_folder, sources) = folder();
        assert_eq!(sources.read("a.kdl", 5).unwrap(), b"hello");
        let error = sources.read("a.kdl", 4).unwrap_err().to_string();
        assert_eq!(error, "cannot read a.kdl: larger than 4 bytes");
    }

    #[test]
    fn memory_and_folder_refuse_alike() {
        let (_folder, disk) = folder();
        let memory = Sources::Memory(BTreeMap::from([("a.kdl".into(), b"hello".to_vec())]));
        for path in
            ["", "/etc/passwd", "../a.kdl", "./a.kdl", "a//b", "a/", "none", "a\\b", "a.kdl/x"]
        {
            assert_eq!(disk.read(path, 9), memory.read(path, 9), "{path}");
            assert!(disk.read(path, 9).is_err(), "{path}");
        }
        assert_eq!(disk.read("a.kdl", 2), memory.read("a.kdl", 2));
    }

    #[test]
    fn a_revision_refuses_as_a_folder_does_and_follows_nothing() {
        let file = |object: &str, size| TreeEntry::File { object: object.into(), size };
        let entries = [
            ("a.kdl", file("1", 5)),
            ("sub/large", file("2", usize::MAX)),
            ("link", TreeEntry::Symlink),
            ("module", TreeEntry::Submodule),
        ];
        let tree = Tree {
            entries: entries.map(|(path, entry)| (path.to_owned(), entry)).into(),
            fetch: Box::new(|object| match object {
                "1" => Ok(b"hello".to_vec()),
                _ => Err("asked for".into()),
            }),
        };
        let (_folder, disk) = folder();
        let tree = Sources::Tree(Arc::new(tree));
        for path in ["a.kdl", "", "/a.kdl", "../a.kdl", "none", "a.kdl/x", "sub"] {
            assert_eq!(tree.read(path, 9), disk.read(path, 9), "{path}");
        }
        assert_eq!(tree.read("a.kdl", 4), disk.read("a.kdl", 4));
        let why = |path| tree.read(path, 9).unwrap_err().why;
        assert_eq!(why("sub/large"), "larger than 9 bytes");
        assert_eq!((why("link"), why("link/x")), (SYMLINK.into(), SYMLINK.into()));
        assert_eq!((why("module"), why("module/x")), (SUBMODULE.into(), SUBMODULE.into()));
    }

    #[test]
    fn special_files_are_refused_without_waiting() {
        let (folder, sources) = folder();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            folder.path().join("pipe"),
            FileType::Fifo,
            Mode::from_raw_mode(0o600),
            0,
        )
        .unwrap();
        std::os::unix::fs::symlink("/dev/zero", folder.path().join("zero")).unwrap();
        let why = |path| sources.read(path, 9).unwrap_err().why;
        assert_eq!(why("pipe"), "a named pipe, not a regular file");
        assert_eq!(why("zero"), "a symbolic link that leads out of the project folder");
        assert_eq!(why("sub"), "a folder, not a file");
        // What the operator names may be anywhere, but is a file.
        let named = read_regular(&folder.path().join("zero"), 9);
        assert_eq!(named.unwrap_err(), "not a regular file");
    }
}
