//! The stages of a rotation by name.

use crate::words::words;

words! {
    /// One step of a rotation.
    pub enum Stage {
        Trust = "trust",
        Promote = "promote",
        Distrust = "distrust",
    }
}
