//! `imgdex copy`, `pull`, `push` and `tag`.

mod copy;
mod rows;

pub use copy::Copy;
