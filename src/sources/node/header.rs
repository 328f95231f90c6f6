//! One header of a tar archive, as POSIX (ustar) and GNU tar write it.

use tar::EntryType;

pub(super) const BLOCK: usize = 512;

pub(super) type Block = [u8; BLOCK];

pub(super) struct Header {
    pub kind: Kind,
    pub size: u64,
    pub mode: u32,
    pub owner: (u32, u32),
    pub name: Vec<u8>,
    pub link: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    /// Another name of a file that the archive has before it.
    HardLink,
    Symlink,
    /// A device, a FIFO: nothing that is read.
    Special,
    /// The name or the link text of the next entry (GNU).
    LongName,
    LongLink,
    /// Records about the next entry, or about all that follow (pax).
    Pax,
    PaxGlobal,
    /// The archive's own name (GNU).
    Label,
    /// What programs unpack in different ways, and its name.
    Refused(&'static str),
    /// A kind of nobody's; its content is passed by.
    Unknown(u8),
}

impl Header {
    /// `None`: this is no header.
    pub fn read(block: &Block) -> Option<Header> {
        let mut header = tar::Header::new_old();
        header.as_mut_bytes().copy_from_slice(block);
        if header.cksum().ok()? != checksum(block) {
            return None;
        }
        let mut name = header.path_bytes().into_owned();
        let folder = header.entry_type().is_file() && name.ends_with(b"/");
        name.truncate(name.iter().position(|byte| *byte == 0).unwrap_or(name.len()));
        Some(Header {
            kind: if folder { Kind::Folder } else { Kind::of(header.entry_type()) },
            size: header.entry_size().ok()?,
            mode: header.mode().ok()? & 0o7777,
            owner: (id(header.uid()), id(header.gid())),
            name,
            link: header.link_name_bytes().map(std::borrow::Cow::into_owned).unwrap_or_default(),
        })
    }
}

impl Kind {
    fn of(entry: EntryType) -> Kind {
        match entry.as_byte() {
            0 | b'0' | b'7' => Kind::File,
            b'1' => Kind::HardLink,
            b'2' => Kind::Symlink,
            b'3' | b'4' | b'6' => Kind::Special,
            b'5' => Kind::Folder,
            b'L' => Kind::LongName,
            b'K' => Kind::LongLink,
            b'x' | b'X' => Kind::Pax,
            b'g' => Kind::PaxGlobal,
            b'V' => Kind::Label,
            b'S' => Kind::Refused("a sparse file; make the archive without --sparse"),
            b'M' => Kind::Refused("a part of several archives; make it in one"),
            b'D' => Kind::Refused("an incremental archive; make a full one"),
            b'N' => Kind::Refused("of a very old GNU tar; make it with a newer one"),
            other => Kind::Unknown(other),
        }
    }

    /// Whether a size means that so many bytes follow, for every program.
    pub fn has_content(self) -> bool {
        !matches!(self, Kind::Folder | Kind::HardLink | Kind::Symlink | Kind::Special)
    }
}

/// A number that cannot be read is of nobody that Kubernetes knows.
fn id(number: std::io::Result<u64>) -> u32 {
    number.ok().and_then(|id| u32::try_from(id).ok()).unwrap_or(u32::MAX)
}

/// The sum of all bytes, those of the sum itself taken as blanks.
fn checksum(block: &Block) -> u32 {
    let field = 148..156;
    let bytes = block.iter().enumerate();
    bytes.map(|(at, byte)| if field.contains(&at) { 32 } else { u32::from(*byte) }).sum()
}
