//! The rotation of a root of trust as a person and a reviewer see it.

mod gates;
