//! imgdex: one catalog for all the container images that a team hands out.
#![allow(dead_code)]

mod catalog;
mod credentials;
mod domain;
mod formats;

pub use domain::reference;
