//! Custom images, really built by buildah and pushed to a registry.

mod ended;
mod engines;
mod made;
mod packages;
mod secrets;

use serde_json::{Value, json};

use crate::builder::{RECORDS, add_storage, call, push_base};
use crate::docker_registry::DockerRegistry;
use crate::field;
use crate::support::{Home, Ran};

const ALL: [(&str, &str); 3] = [("apt-get", RECORDS), ("conda", RECORDS), ("pip", RECORDS)];

/// A home that builds, with a registry that holds `team/base:1`.
struct Place {
    home: Home,
    registry: DockerRegistry,
}

impl Place {
    fn new(programs: &[(&str, &str)]) -> Self {
        let place = Self::empty();
        push_base(&place.home, &place.base(), programs);
        place
    }

    /// One whose registry holds nothing yet.
    fn empty() -> Self {
        let (home, registry) = (Home::new(), DockerRegistry::start());
        add_storage(&home);
        let place = Self { home, registry };
        place.home.write(
            ".config/imgdex/config.toml",
            format!("[build]\npush-prefix = \"{}/custom\"\n", place.host()),
        );
        place
    }

    fn host(&self) -> String {
        self.registry.host()
    }

    fn base(&self) -> String {
        format!("{}/team/base:1", self.registry.host())
    }

    fn create(&self, packages: Value) {
        let image = json!({
            "name": "science", "displayName": "Science \"$HOME\"", "description": "a\nb\\",
            "global": true,
            "imageSpec": {"baseImage": self.base(), "packages": packages},
        });
        self.home.pipe(image.to_string(), "images create").ok();
    }

    fn run(&self, arguments: &str) -> Ran {
        call(&self.home, arguments).run()
    }

    fn snapshot(&self, ran: &Ran) -> String {
        let text = ran.snapshot(&self.home).replace(&self.host(), "<host>");
        let mut words: Vec<String> = Vec::new();
        for word in text.split("sha256:") {
            match words.is_empty() {
                true => words.push(word.to_owned()),
                false => words.push(word.get(64..).unwrap_or(word).to_owned()),
            }
        }
        words.join("<digest>")
    }

    fn status(&self) -> Value {
        field(&self.home, "science", "jobStatus")
    }
}
