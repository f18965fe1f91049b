//! `imgdex images`, one idea a file.

mod archive;
mod bad_input;
mod build;
mod copy_and_delete;
mod corners;
mod create;
mod environment;
mod from;
mod groups;
mod history;
mod list;
mod pin;
mod round_trip;
mod rules;
mod spec;
mod syntax;
mod update;
mod verify;
