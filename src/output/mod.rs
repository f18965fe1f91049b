//! Data → terminal: tables, JSON, YAML, CSV, names, and failures.

pub mod console;
pub mod csv;
pub mod details;
pub mod failure;
pub mod format;
pub mod images;
pub mod json;
pub mod metadata;
pub mod progress;
pub mod records;
pub mod table;
pub mod text;
pub mod transfer;
