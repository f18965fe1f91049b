//! Files kept on this machine beside the catalog.

pub mod files;
// Nothing calls it before the commands that move images do.
#[allow(dead_code, unused_imports)]
pub mod oci;
pub mod pictures;
pub mod place;
pub mod walk;
