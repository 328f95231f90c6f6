//! The copy of a node in a tar archive, read once from its beginning to its end: it may come from a pipe.
//!
//! Headers are read here and not by the crate `tar`, which takes names of any length into the memory.

use std::collections::BTreeMap;
use std::io::Read;

use super::header::{BLOCK, Header, Kind};
use super::limits::{FILE_LIMIT, KUBEADMS, Kept, NOT_UTF8, SPECIAL, start_of, too_large, too_much};
use super::pax::{self, Pax};
use super::refusal::{Refusal, says};
use super::stream::{Stream, packed};
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

/// The places, and the rest unless it was too much.
pub(super) fn read(input: &mut dyn Read) -> Result<(Machine, Option<Machine>), Refusal> {
    let mut reader = Reader {
        stream: Stream { input, offset: 0, name: String::new() },
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
    stream: Stream<'a>,
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
            let Some(block) = self.stream.block()? else {
                let why = self.stream.after("before the mark of its end");
                return Err(if count == 0 { Refusal::Empty } else { Refusal::CutOff(why) });
            };
            if block == [0; BLOCK] {
                if !ahead.is_empty() {
                    return Err(Refusal::CutOff(self.stream.after("where an entry should follow")));
                }
                return self.end();
            }
            let Some(header) = Header::read(&block) else {
                return Err(match (count, packed(&block)) {
                    (0, Some(unpack)) => Refusal::Packed(unpack),
                    (0, None) => Refusal::NoArchive,
                    _ => Refusal::Says(format!("is damaged {}", self.stream.after("there"))),
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
            Kind::Label => self.stream.skip(header.size)?,
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
        self.stream.name = visible::harmless(&shown);
        let size = match pax.size {
            Some(size) if header.size != 0 && size != header.size => {
                return Err(says(&format!("two sizes of {}", self.stream.name)));
            }
            Some(size) => size,
            None => header.size,
        };
        if size != 0 && !kind.has_content() {
            return Err(says(&format!("a folder or link with contents: {}", self.stream.name)));
        }
        let Some(path) = normal(&shown) else {
            return Err(says(&format!("a name with .., or a very long one: {}", self.stream.name)));
        };
        let owner = (pax.user.unwrap_or(header.owner.0), pax.group.unwrap_or(header.owner.1));
        let facts = MachineFolder { mode: header.mode, owner };
        let found = match kind {
            _ if std::str::from_utf8(&name).is_err() => {
                self.stream.skip(size)?;
                Found::Unread(NOT_UTF8.to_owned())
            }
            Kind::File if size > FILE_LIMIT as u64 => {
                self.stream.skip(size)?;
                Found::Unread(too_large())
            }
            Kind::File if path.is_empty() => return Err(says("a file without a name")),
            Kind::File if self.rest.is_none() && !may_belong(&path) => {
                return self.stream.skip(size);
            }
            Kind::File => {
                let bytes = self.stream.content(size)?;
                Found::File(MachineFile { mode: header.mode, owner, bytes })
            }
            Kind::Folder => Found::Folder(facts),
            Kind::Symlink => match String::from_utf8(link) {
                Ok(target) if target.len() <= PATH_LIMIT => Found::Link(target),
                _ => Found::Unread("a link whose text is not UTF-8, or very long".to_owned()),
            },
            Kind::HardLink => self.hard_link(&link),
            _ => {
                self.stream.skip(size)?;
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
            match self.stream.block() {
                Ok(Some(block)) if block == [0; BLOCK] => {}
                Ok(None) => return Ok(()),
                // Less than a block, too.
                Ok(Some(_)) | Err(Refusal::CutOff(_)) => {
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
        self.stream.content(size)
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
