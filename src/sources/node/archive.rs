//! The copy of a node in a tar archive, read once from its beginning to its end: it may come from a pipe.
//!
//! Headers are read here and not by the crate `tar`, which takes names of any length into the memory.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read};

use zeroize::Zeroizing;

use super::header::{BLOCK, Block, Header, Kind};
use super::pax::{self, Pax};
use super::{
    FILE_LIMIT, KUBEADMS, Kept, NOT_UTF8, SPECIAL, Source, nothing, start_of, too_large, too_much,
};
use crate::error::Error;
use crate::machine::{
    LAYOUTS, Machine, MachineFile, MachineFolder, PATH_LIMIT, is_above_a_place, is_wanted, normal,
};
use crate::secret::Secret;
use crate::visible;

/// Of all that the archive names, kept or not.
const HEADERS: usize = 1_000_000;
/// A name, or the records about an entry.
const NAME_LIMIT: u64 = 64 << 10;
/// What is kept besides Kubernetes' own files, in case that a manifest names it.
const REST_ENTRIES: usize = 10_000;
const REST_BYTES: usize = 16 << 20;

/// Why an archive is not taken.
pub(super) enum Refusal {
    Io(std::io::Error),
    Empty,
    /// Packed by a program; the command that unpacks it.
    Packed(&'static str),
    NoArchive,
    /// It ends too early, and where.
    CutOff(String),
    /// Reads after its name.
    Says(String),
    Nothing,
}

impl Refusal {
    pub fn told(self, source: &Source) -> Error {
        let shown = source.shown();
        let again = "copy it again, and look at what the command that makes it says";
        match self {
            Refusal::Io(error) => Error::refused(format!("cannot read {shown}: {error}")),
            Refusal::Empty => Error::refused(format!("{shown} is empty, not a tar archive"))
                .help("look at what the command that makes it says: ssh or sudo may have failed"),
            Refusal::Packed(unpack) => Error::refused(format!("{shown} is compressed"))
                .help(format!("unpack it first: {}", source.piped(unpack))),
            Refusal::NoArchive => Error::refused(format!("{shown} is not a tar archive"))
                .help("name a folder, or a tar archive of a node's root or of its /etc/kubernetes"),
            Refusal::CutOff(at) => {
                Error::refused(format!("{shown} ends too early, {at}")).help(again)
            }
            Refusal::Says(what) => Error::refused(format!("{shown} {what}")),
            Refusal::Nothing => nothing(&shown),
        }
    }
}

/// The places, and the rest unless it was too much.
pub(super) fn read(input: &mut dyn Read) -> Result<(Machine, Option<Machine>), Refusal> {
    let mut reader = Reader {
        input,
        offset: 0,
        name: String::new(),
        entries: BTreeMap::new(),
        kept: Kept::default(),
        rest: Some(BTreeMap::new()),
        rest_bytes: 0,
    };
    reader.archive()?;
    reader.sorted_out()
}

enum Found {
    File(MachineFile),
    Folder(MachineFolder),
    Link(String),
    Unread(String),
}

impl Found {
    fn is_same(&self, other: &Found) -> bool {
        match (self, other) {
            (Found::File(one), Found::File(other)) => {
                (one.mode, one.owner, one.bytes.expose())
                    == (other.mode, other.owner, other.bytes.expose())
            }
            (Found::Folder(_), Found::Folder(_)) => true,
            (Found::Link(one), Found::Link(other)) | (Found::Unread(one), Found::Unread(other)) => {
                one == other
            }
            _ => false,
        }
    }

    fn size(&self) -> usize {
        match self {
            Found::File(file) => file.bytes.expose().len(),
            _ => 0,
        }
    }
}

struct Reader<'a> {
    input: &'a mut dyn Read,
    offset: u64,
    /// Of the last entry, for messages.
    name: String,
    /// What belongs to a place, from whichever folder the archive's names start.
    entries: BTreeMap<String, Found>,
    kept: Kept,
    /// Everything else; `None` once it was too much.
    rest: Option<BTreeMap<String, Found>>,
    rest_bytes: usize,
}

/// What stands in front of an entry and says more of it.
#[derive(Default)]
struct Ahead {
    pax: Option<Pax>,
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
}

impl Ahead {
    fn is_empty(&self) -> bool {
        self.pax.is_none() && self.name.is_none() && self.link.is_none()
    }
}

impl Reader<'_> {
    fn archive(&mut self) -> Result<(), Refusal> {
        let mut ahead = Ahead::default();
        for count in 0.. {
            if count > HEADERS {
                return Err(Refusal::Says(format!("has more than {HEADERS} entries")));
            }
            let Some(block) = self.block()? else {
                let why = self.after("before the mark of its end");
                return Err(if count == 0 { Refusal::Empty } else { Refusal::CutOff(why) });
            };
            if block == [0; BLOCK] {
                if !ahead.is_empty() {
                    return Err(Refusal::CutOff(self.after("where an entry should follow")));
                }
                return self.end();
            }
            let Some(header) = Header::read(&block) else {
                return Err(match (count, packed(&block)) {
                    (0, Some(unpack)) => Refusal::Packed(unpack),
                    (0, None) => Refusal::NoArchive,
                    _ => Refusal::Says(format!("is damaged {}", self.after("there"))),
                });
            };
            self.header(header, &mut ahead)?;
        }
        Ok(())
    }

    fn header(&mut self, header: Header, ahead: &mut Ahead) -> Result<(), Refusal> {
        match header.kind {
            Kind::LongName => ahead.name = Some(self.name(header.size)?),
            Kind::LongLink => ahead.link = Some(self.name(header.size)?),
            Kind::Pax if ahead.pax.is_some() => return Err(says("two pax headers for one entry")),
            Kind::Pax => {
                let records = self.records(header.size)?;
                ahead.pax = Some(pax::read(records.expose(), false).map_err(|what| says(&what))?);
            }
            Kind::PaxGlobal => {
                let records = self.records(header.size)?;
                pax::read(records.expose(), true).map_err(|what| says(&what))?;
            }
            Kind::Label => self.skip(header.size)?,
            Kind::Refused(what) => return Err(says(what)),
            kind => self.entry(kind, header, std::mem::take(ahead))?,
        }
        Ok(())
    }

    fn entry(&mut self, kind: Kind, header: Header, ahead: Ahead) -> Result<(), Refusal> {
        let pax = ahead.pax.unwrap_or_default();
        let name = one_of(pax.path, ahead.name, header.name)?;
        let link = one_of(pax.link, ahead.link, header.link)?;
        let shown = String::from_utf8_lossy(&name).into_owned();
        self.name = visible::harmless(&shown);
        let size = match pax.size {
            Some(size) if header.size != 0 && size != header.size => {
                return Err(says(&format!("two sizes of {}", self.name)));
            }
            Some(size) => size,
            None => header.size,
        };
        if size != 0 && !kind.has_content() {
            return Err(says(&format!("a folder or link with contents: {}", self.name)));
        }
        let Some(path) = normal(&shown) else {
            return Err(says(&format!("a name with .., or a very long one: {}", self.name)));
        };
        let owner = (pax.user.unwrap_or(header.owner.0), pax.group.unwrap_or(header.owner.1));
        let facts = MachineFolder { mode: header.mode, owner };
        let found = match kind {
            _ if std::str::from_utf8(&name).is_err() => {
                self.skip(size)?;
                Found::Unread(NOT_UTF8.to_owned())
            }
            Kind::File if size > FILE_LIMIT as u64 => {
                self.skip(size)?;
                Found::Unread(too_large())
            }
            Kind::File if path.is_empty() => return Err(says("a file without a name")),
            Kind::File if self.rest.is_none() && !may_belong(&path) => return self.skip(size),
            Kind::File => {
                let bytes = self.content(size)?;
                Found::File(MachineFile { mode: header.mode, owner, bytes })
            }
            Kind::Folder => Found::Folder(facts),
            Kind::Symlink => match String::from_utf8(link) {
                Ok(target) if target.len() <= PATH_LIMIT => Found::Link(target),
                _ => Found::Unread("a link whose text is not UTF-8, or very long".to_owned()),
            },
            Kind::HardLink => self.hard_link(&link),
            _ => {
                self.skip(size)?;
                Found::Unread(SPECIAL.to_owned())
            }
        };
        // The folder that the archive was made of.
        if path.is_empty() { Ok(()) } else { self.keep(path, found) }
    }

    /// tar writes a file with several names once.
    fn hard_link(&self, to: &[u8]) -> Found {
        let shown = String::from_utf8_lossy(to);
        let first = normal(&shown).and_then(|to| {
            self.entries.get(&to).or_else(|| self.rest.as_ref().and_then(|rest| rest.get(&to)))
        });
        match first {
            Some(Found::File(file)) => Found::File(file.clone()),
            _ => Found::Unread(format!(
                "another name of {}, which the archive does not hold before it",
                visible::harmless(&shown)
            )),
        }
    }

    fn keep(&mut self, path: String, found: Found) -> Result<(), Refusal> {
        if may_belong(&path) || is_above_a_place(&path) {
            if !self.kept.fits(found.size()) {
                return Err(Refusal::Says(too_much()));
            }
            return put(&mut self.entries, path, found);
        }
        self.rest_bytes += found.size();
        let Some(rest) = &mut self.rest else { return Ok(()) };
        put(rest, path, found)?;
        if rest.len() > REST_ENTRIES || self.rest_bytes > REST_BYTES {
            self.rest = None;
        }
        Ok(())
    }

    /// Two empty blocks end an archive, and nothing but empty ones follows.
    fn end(&mut self) -> Result<(), Refusal> {
        loop {
            match self.block() {
                Ok(Some(block)) if block == [0; BLOCK] => {}
                Ok(None) => return Ok(()),
                // Less than a block is padding, too, if it is empty; `block` says cut off.
                Err(Refusal::CutOff(_)) => return Ok(()),
                Ok(Some(_)) => {
                    return Err(Refusal::Says(
                        "goes on behind its end: are two archives in it? make one".to_owned(),
                    ));
                }
                Err(error) => return Err(error),
            }
        }
    }

    fn sorted_out(self) -> Result<(Machine, Option<Machine>), Refusal> {
        let (mut entries, dropped) = (self.entries, self.rest.is_none());
        entries.extend(self.rest.into_iter().flatten());
        let has = |path: &str| {
            let inside = format!("{path}/");
            entries.contains_key(path)
                || entries
                    .range(inside.clone()..)
                    .next()
                    .is_some_and(|(at, _)| at.starts_with(&inside))
        };
        let start = start_of(&has).ok_or(Refusal::Nothing)?;
        if dropped && !start.is_empty() {
            return Err(Refusal::Says(too_much()));
        }
        // A program that unpacks it would write through the link, another one would replace it.
        let is_no_folder =
            |path: &str| matches!(entries.get(path), Some(Found::File(_) | Found::Link(_)));
        let above = |path: &str| {
            path.match_indices('/').filter_map(|(end, _)| path.get(..end)).any(is_no_folder)
        };
        if let Some(path) = entries.keys().find(|path| above(path)) {
            let path = visible::harmless(path);
            return Err(says(&format!("something below what is no folder: {path}")));
        }
        let (mut machine, mut rest) = (Machine::default(), Machine::default());
        for (path, found) in entries {
            let path = format!("{start}{path}");
            let is_way = !matches!(found, Found::File(_)) && is_above_a_place(&path);
            let side =
                if is_wanted(&path) || is_sign(&path) || is_way { &mut machine } else { &mut rest };
            match found {
                Found::File(file) => side.add_file(&path, file),
                Found::Folder(folder) => side.add_folder(&path, folder),
                Found::Link(target) => side.add_link(&path, &target),
                Found::Unread(why) => side.add_unread(&path, why),
            }
        }
        Ok((machine, (!dropped).then_some(rest)))
    }

    fn name(&mut self, size: u64) -> Result<Vec<u8>, Refusal> {
        let bytes = self.records(size)?;
        Ok(bytes.expose().iter().take_while(|byte| **byte != 0).copied().collect())
    }

    /// What an entry says of the next one.
    fn records(&mut self, size: u64) -> Result<Secret, Refusal> {
        if size > NAME_LIMIT {
            return Err(says(&format!("a name or a pax header larger than {NAME_LIMIT} bytes")));
        }
        self.content(size)
    }

    /// The content of an entry; its size is within a limit.
    fn content(&mut self, size: u64) -> Result<Secret, Refusal> {
        let size = usize::try_from(size).unwrap_or(usize::MAX).min(FILE_LIMIT);
        let mut bytes = Zeroizing::new(vec![0; size]);
        if self.fill(&mut bytes)? < size {
            return Err(Refusal::CutOff(self.after("in its content")));
        }
        let padding = size.next_multiple_of(BLOCK) - size;
        self.skip_bytes(padding as u64)?;
        Ok(Secret::new(std::mem::take(&mut *bytes)))
    }

    fn skip(&mut self, size: u64) -> Result<(), Refusal> {
        let whole = size.checked_next_multiple_of(BLOCK as u64);
        self.skip_bytes(whole.unwrap_or(u64::MAX))
    }

    fn skip_bytes(&mut self, mut left: u64) -> Result<(), Refusal> {
        let mut passed = Zeroizing::new([0; 64 << 10]);
        while left > 0 {
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(passed.len());
            let part = passed.get_mut(..most).unwrap_or_default();
            let read = self.fill(part)?;
            if read < most {
                return Err(Refusal::CutOff(self.after("in its content")));
            }
            left -= read as u64;
        }
        Ok(())
    }

    /// `None` at the end of the input.
    fn block(&mut self) -> Result<Option<Block>, Refusal> {
        let mut block = [0; BLOCK];
        match self.fill(&mut block)? {
            0 => Ok(None),
            BLOCK => Ok(Some(block)),
            // What is no archive is often shorter than a block.
            read if self.offset == read as u64 => match packed(&block) {
                Some(unpack) => Err(Refusal::Packed(unpack)),
                None => Err(Refusal::NoArchive),
            },
            _ => Err(Refusal::CutOff(self.after("in a header"))),
        }
    }

    /// Reads until the buffer is full or the input ends.
    fn fill(&mut self, mut buffer: &mut [u8]) -> Result<usize, Refusal> {
        let mut all = 0;
        while !buffer.is_empty() {
            match self.input.read(buffer) {
                Ok(0) => break,
                Ok(read) => {
                    all += read;
                    buffer = buffer.get_mut(read..).unwrap_or_default();
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Refusal::Io(error)),
            }
        }
        self.offset += all as u64;
        Ok(all)
    }

    /// Where the reading stands.
    fn after(&self, what: &str) -> String {
        match self.name.as_str() {
            "" => format!("{what}, at byte {}", self.offset),
            name => format!("{what}, at byte {}, at or after {name}", self.offset),
        }
    }
}

/// Whether a path may belong to a place, from whichever folder the archive's names start.
fn may_belong(path: &str) -> bool {
    let first = path.split('/').next().unwrap_or_default();
    is_wanted(path) || is_sign(path) || first == "kubernetes" || KUBEADMS.contains(&first)
}

/// What tells another layout, and everything in it.
fn is_sign(path: &str) -> bool {
    LAYOUTS.iter().flat_map(|layout| layout.signs).any(|sign| {
        path.strip_prefix(sign).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// An entry that is there twice is taken where both are the same: programs differ in which of the two counts.
fn put(to: &mut BTreeMap<String, Found>, path: String, found: Found) -> Result<(), Refusal> {
    match to.get(&path) {
        Some(first) if !first.is_same(&found) => {
            Err(says(&format!("two different entries of {}", visible::harmless(&path))))
        }
        _ => {
            to.insert(path, found);
            Ok(())
        }
    }
}

/// The name that stands ahead of an entry; two that differ are read in two ways.
fn one_of(pax: Option<Vec<u8>>, gnu: Option<Vec<u8>>, header: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    match (pax, gnu) {
        (Some(pax), Some(gnu)) if pax != gnu => {
            let name = String::from_utf8_lossy(&pax).into_owned();
            Err(says(&format!("two names of one entry: {}", visible::harmless(&name))))
        }
        (Some(name), _) | (None, Some(name)) => Ok(name),
        (None, None) => Ok(header),
    }
}

fn says(what: &str) -> Refusal {
    Refusal::Says(format!("has {what}"))
}

/// Programs that pack, by the first bytes of what they write.
fn packed(block: &Block) -> Option<&'static str> {
    const PROGRAMS: [(&[u8], &str); 5] = [
        (b"\x1f\x8b", "gzip -dc"),
        (b"\x28\xb5\x2f\xfd", "zstd -dc"),
        (b"\xfd7zXZ\0", "xz -dc"),
        (b"BZh", "bzip2 -dc"),
        (b"\x04\x22\x4d\x18", "lz4 -dc"),
    ];
    PROGRAMS.iter().find(|(first, _)| block.starts_with(first)).map(|(_, unpack)| *unpack)
}
