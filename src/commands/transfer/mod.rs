//! `imgdex copy`, `pull`, `push` and `tag`: images from one place to another.

mod copy;
mod rows;
mod run;

pub use copy::{Copy, Pull, Push, Tag};
