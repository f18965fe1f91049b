//! Building images: a spec becomes a Containerfile, and an engine that is installed
//! makes an image of that and pushes it. What is to be built, and what becomes of the
//! image in the catalog, is not known here.

mod containerfile;
mod engine;
mod kubernetes;
mod session;

pub use containerfile::{Base, Manager, Recipe, containerfile};
pub use engine::{Context, Engine, Error, Program};
pub use kubernetes::{End as JobEnd, Job, job_name, job_name_of, resources};
pub use session::{Access, Session, ToBuild};
