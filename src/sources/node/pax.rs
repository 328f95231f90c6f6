//! Records about an entry of a tar archive (POSIX, pax): `LENGTH KEYWORD=VALUE` and a line end.

/// What is said of the next entry instead of what its header says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pax {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub user: Option<u32>,
    pub group: Option<u32>,
}

/// The error reads after "the archive has".
pub(super) fn read(mut records: &[u8], all: bool) -> Result<Pax, String> {
    let mut pax = Pax::default();
    while !records.is_empty() {
        let damaged = || "a damaged pax header".to_owned();
        let blank = records.iter().position(|byte| *byte == b' ').ok_or_else(damaged)?;
        let length = records.get(..blank).and_then(number).ok_or_else(damaged)?;
        let length = usize::try_from(length).map_err(|_| damaged())?;
        let record = records.get(blank + 1..length).and_then(|record| record.strip_suffix(b"\n"));
        let record = record.ok_or_else(damaged)?;
        records = records.get(length..).unwrap_or_default();
        let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(damaged)?;
        let (keyword, value) = record.split_at(equals);
        let value = value.get(1..).unwrap_or_default();
        if keyword.starts_with(b"GNU.sparse.") {
            return Err("a sparse file; make the archive without --sparse".to_owned());
        }
        let is_ours = matches!(keyword, b"path" | b"linkpath" | b"size");
        if is_ours && all {
            return Err("a global pax header that names files".to_owned());
        }
        // An empty value takes the header's (POSIX).
        if value.is_empty() {
            continue;
        }
        match keyword {
            b"path" | b"linkpath" if value.contains(&0) => {
                return Err("a name with a zero byte".to_owned());
            }
            b"path" => pax.path = Some(value.to_vec()),
            b"linkpath" => pax.link = Some(value.to_vec()),
            b"size" => pax.size = Some(number(value).ok_or_else(damaged)?),
            b"uid" => pax.user = Some(id(value)),
            b"gid" => pax.group = Some(id(value)),
            _ => {}
        }
    }
    Ok(pax)
}

fn id(value: &[u8]) -> u32 {
    number(value).and_then(|id| u32::try_from(id).ok()).unwrap_or(u32::MAX)
}

/// Decimal digits alone: `parse` would take a sign, too.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}
