//! Files kept on this machine beside the catalog.

pub mod pictures;
