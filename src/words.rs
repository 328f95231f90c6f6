//! Words that a person writes: the values of enumerations, and what a misspelt one was meant to be.

mod nearest;

pub use nearest::{did_you_mean, nearest};

/// A type whose every value is one word.
pub trait Worded: Copy + 'static {
    /// In the order in which a message lists them.
    const WORDS: &'static [(Self, &'static str)];
    /// What each of them means, in the same order.
    const MEANINGS: &'static [&'static str];
}

/// An enumeration, all of its values, the word of each, and the way back. The comment on a value is what
/// `kpki explain` says of it.
macro_rules! words {
    (
        $(#[$about:meta])*
        pub enum $name:ident {
            $($(#[doc = $means:literal])+ $variant:ident = $word:literal,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[doc = $means])+ $variant,)+
        }

        impl $name {
            /// Every value, in the order of the declaration.
            pub const ALL: [$name; [$($name::$variant),+].len()] = [$($name::$variant),+];

            /// As a description writes it.
            pub fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word,)+
                }
            }
        }

        impl $crate::words::Worded for $name {
            const WORDS: &'static [($name, &'static str)] = &[$(($name::$variant, $word)),+];
            const MEANINGS: &'static [&'static str] = &[$(concat!($($means),+)),+];
        }
    };
}

pub(crate) use words;
