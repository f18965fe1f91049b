//! One function per thing the program does. They return values and never print.

pub mod apply;
pub mod attached;
pub mod build;
pub mod documents;
mod error;
pub mod flat_folder;
pub mod folder;
mod group_changes;
pub mod groups;
pub mod harbor;
pub mod images;
mod known;
pub mod metadata;
pub mod pictures;
pub mod plan;
pub mod registry;
pub mod secrets;
pub mod store;
pub mod transfer;
pub mod verify;
pub mod waiting;

pub use error::{Error, ItemFault, Result};

use std::io::Read;

use crate::formats::document::Items;

/// A text to be read, item by item, and the name that messages call it by.
pub struct Source<R: Read> {
    /// A path, or `<stdin>`.
    pub name: String,
    pub items: Items<R>,
    /// What is left of an input whose end may have to be waited for.
    pub rest: Option<waiting::Rest>,
}
