//! Who may read or write a file: its mode, its owner and the folders around it.

/// How far a file can be reached through the folders around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    Owner,
    /// One of the folders lets its group pass and nobody else.
    Group,
    Everyone,
}

impl Reach {
    /// Through one folder more.
    pub fn through(self, folder_mode: u32) -> Reach {
        self.min(match folder_mode {
            mode if mode & 0o001 != 0 => Reach::Everyone,
            mode if mode & 0o010 != 0 => Reach::Group,
            _ => Reach::Owner,
        })
    }
}

/// Read from the file itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    pub mode: u32,
    pub reach: Reach,
    /// Its owner, if that is neither root, nor this user, nor the owner of the whole tree.
    pub stranger: Option<u32>,
}

impl Access {
    /// Of a file that anybody may reach.
    pub fn of(mode: u32) -> Self {
        Access { mode, reach: Reach::Everyone, stranger: None }
    }

    /// What everybody may do: read 4, write 2, execute 1.
    pub fn everybodys(self) -> u32 {
        if self.reach == Reach::Everyone { self.mode & 0o7 } else { 0 }
    }

    /// As [`Access::everybodys`], of a group: the file's, or that of a folder on the way.
    pub fn groups(self) -> u32 {
        match self.reach {
            Reach::Everyone => self.mode >> 3 & 0o7,
            Reach::Group => (self.mode | self.mode >> 3) & 0o7,
            Reach::Owner => 0,
        }
    }

    /// Whether root and its owner alone have anything to do with it.
    pub fn is_private(self) -> bool {
        self.everybodys() == 0 && self.groups() == 0 && self.stranger.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// path_resolution(7): each folder on the way must let one pass.
    #[test]
    fn a_file_is_as_open_as_the_folders_around_it() {
        for (folders, everybodys, groups) in [
            (&[0o755, 0o755][..], 4, 4),
            (&[0o755, 0o700, 0o755], 0, 0),
            (&[0o750, 0o755], 0, 4),
            (&[0o711], 4, 4),
            (&[0o744], 0, 0),
            (&[0o750, 0o700], 0, 0),
        ] {
            let reach = folders.iter().fold(Reach::Everyone, |reach, mode| reach.through(*mode));
            let access = Access { reach, ..Access::of(0o644) };
            assert_eq!((access.everybodys(), access.groups()), (everybodys, groups), "{folders:?}");
        }
        let access = Access { reach: Reach::Group, ..Access::of(0o604) };
        assert_eq!((access.everybodys(), access.groups()), (0, 4));
        assert!(Access::of(0o600).is_private() && !Access::of(0o640).is_private());
    }
}
