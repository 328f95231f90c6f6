//! The bytes of an archive: blocks, and contents in buffers that are wiped.

use std::io::{ErrorKind, Read};

use zeroize::Zeroizing;

use super::header::{BLOCK, Block};
use super::limits::FILE_LIMIT;
use super::refusal::Refusal;
use crate::secret::Secret;

pub(super) struct Stream<'a> {
    pub input: &'a mut dyn Read,
    pub offset: u64,
    /// Of the last entry, for messages.
    pub name: String,
}

impl Stream<'_> {
    /// The content of an entry; its size is within a limit.
    pub fn content(&mut self, size: u64) -> Result<Secret, Refusal> {
        let size = usize::try_from(size).unwrap_or(usize::MAX).min(FILE_LIMIT);
        let mut bytes = Zeroizing::new(vec![0; size]);
        if self.fill(&mut bytes)? < size {
            return Err(Refusal::CutOff(self.after("in its content")));
        }
        let padding = size.next_multiple_of(BLOCK) - size;
        self.skip_bytes(padding as u64)?;
        Ok(Secret::new(std::mem::take(&mut *bytes)))
    }

    pub fn skip(&mut self, size: u64) -> Result<(), Refusal> {
        let whole = size.checked_next_multiple_of(BLOCK as u64);
        self.skip_bytes(whole.unwrap_or(u64::MAX))
    }

    fn skip_bytes(&mut self, mut left: u64) -> Result<(), Refusal> {
        let mut passed = Zeroizing::new(vec![0; 64 << 10]);
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
    pub fn block(&mut self) -> Result<Option<Block>, Refusal> {
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
    pub fn after(&self, what: &str) -> String {
        match self.name.as_str() {
            "" => format!("{what}, at byte {}", self.offset),
            name => format!("{what}, at byte {}, at or after {name}", self.offset),
        }
    }
}

/// Programs that pack, by the first bytes of what they write.
pub(super) fn packed(block: &Block) -> Option<&'static str> {
    const PROGRAMS: [(&[u8], &str); 5] = [
        (b"\x1f\x8b", "gzip -dc"),
        (b"\x28\xb5\x2f\xfd", "zstd -dc"),
        (b"\xfd7zXZ\0", "xz -dc"),
        (b"BZh", "bzip2 -dc"),
        (b"\x04\x22\x4d\x18", "lz4 -dc"),
    ];
    PROGRAMS.iter().find(|(first, _)| block.starts_with(first)).map(|(_, unpack)| *unpack)
}
