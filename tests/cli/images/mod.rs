//! `imgdex images`, one idea a file.

mod archive;
mod bad_input;
mod create;
mod groups;
mod history;
mod list;
mod round_trip;
mod rules;
mod spec;
mod syntax;
mod update;
