//! `imgdex copy`, `pull`, `push` and `tag`: images from one place to another.

mod copy;
mod places;
mod rows;
mod run;

pub use copy::{Copy, Pull, Push, Tag};
pub use places::{SourceName, TargetName, source};
pub use run::{Transfer, pull_recorded};
