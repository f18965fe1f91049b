//! Files kept on this machine beside the catalog.

pub mod files;
pub mod oci;
pub mod pictures;
pub mod place;
pub mod walk;
