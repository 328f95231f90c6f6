//! Folders in which somebody else could exchange what lies there.

use std::fmt;

/// Who else may write to a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Loose {
    /// It belongs to neither this user nor root.
    Owner(u32),
    /// Everybody may write to it.
    World(u32),
    /// Its group may, and `is_own` tells whether it belongs to this user. A umask of 002 makes folders so,
    /// where groups are of one user.
    Group { mode: u32, is_own: bool },
}

impl Loose {
    /// `us` is the user that kpki runs as; `host` owns the project folder, and could exchange everything in
    /// it. A sticky bit does not help: it keeps files from being removed, not from being put there.
    pub fn of(mode: u32, owner: u32, us: u32, host: Option<u32>) -> Option<Loose> {
        let mode = mode & 0o7777;
        if owner != us && owner != 0 && Some(owner) != host {
            Some(Loose::Owner(owner))
        } else if mode & 0o002 != 0 {
            Some(Loose::World(mode))
        } else if mode & 0o020 != 0 {
            let is_own = owner == us;
            Some(Loose::Group { mode, is_own })
        } else {
            None
        }
    }

    /// What a folder of kpki's own gets without a question: nobody can have put anything there but a group
    /// that this user is in.
    pub fn closes_itself(self) -> bool {
        matches!(self, Loose::Group { is_own: true, .. })
    }

    /// The command that mends it, without the folder's name; `all`: with everything below.
    pub fn mend(self, us: u32, all: bool) -> String {
        let all = if all { "R" } else { "" };
        match self {
            Loose::Owner(_) => format!("chown -h{all} {us}"),
            Loose::World(_) | Loose::Group { .. } if all.is_empty() => "chmod go-w".to_owned(),
            Loose::World(_) | Loose::Group { .. } => "chmod -R go-w".to_owned(),
        }
    }
}

impl fmt::Display for Loose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Loose::Owner(owner) => write!(f, "belongs to another user (uid {owner})"),
            Loose::World(mode) => write!(f, "can be written to by everybody (mode {mode:04o})"),
            Loose::Group { mode, .. } => {
                write!(f, "can be written to by its group (mode {mode:04o})")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_ours_or_roots_and_closed() {
        let group = |mode, is_own| Some(Loose::Group { mode, is_own });
        for (mode, owner, us, expected) in [
            (0o755, 1000, 1000, None),
            (0o700, 0, 1000, None),
            (0o755, 0, 0, None),
            (0o755, 1001, 1000, Some(Loose::Owner(1001))),
            (0o700, 1000, 0, Some(Loose::Owner(1000))),
            (0o777, 1001, 1000, Some(Loose::Owner(1001))),
            (0o777, 1000, 1000, Some(Loose::World(0o777))),
            (0o1777, 0, 1000, Some(Loose::World(0o1777))),
            (0o702, 0, 0, Some(Loose::World(0o702))),
            (0o775, 1000, 1000, group(0o775, true)),
            (0o2770, 1000, 1000, group(0o2770, true)),
            (0o775, 0, 1000, group(0o775, false)),
            (0o100_755, 0, 0, None),
        ] {
            assert_eq!(Loose::of(mode, owner, us, None), expected, "{mode:o} {owner} {us}");
        }
        // Root works in a checkout of somebody else's, as in a container.
        assert_eq!(Loose::of(0o755, 1000, 0, Some(1000)), None);
        assert_eq!(Loose::of(0o755, 1001, 0, Some(1000)), Some(Loose::Owner(1001)));
        assert_eq!(Loose::of(0o777, 1000, 0, Some(1000)), Some(Loose::World(0o777)));
    }
}
