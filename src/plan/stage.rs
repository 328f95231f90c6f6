//! The stages of a rotation by name.

use crate::words::words;

words! {
    /// One step of a rotation.
    pub enum Stage {
        /// Both key pairs are believed; the old one signs.
        Trust = "trust",
        /// The new one signs; both are believed.
        Promote = "promote",
        /// Only the new one is believed.
        Distrust = "distrust",
    }
}
