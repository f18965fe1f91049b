//! Types and rules of a catalog of images: no I/O, no async, no clock.

pub mod attached;
pub mod built;
pub mod change;
pub mod credential;
pub mod file_name;
pub mod group;
pub mod harbor;
pub mod hashing;
pub mod image;
pub mod image_json;
pub mod image_rules;
pub mod invalid;
pub mod json_text;
pub mod manifest;
pub mod name;
pub mod platform;
pub mod reference;
pub mod scanned;
pub mod secret;
pub mod sif;
pub mod sighting;
pub mod size;
pub mod spec;
pub mod stored;
pub mod stored_reference;
pub mod transport;
