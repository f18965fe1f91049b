//! What a build made of a spec: the key that says which build it was, and what the
//! status of a build tells of the last one that was good.

use super::image::ImageConfig;
use super::image_json::words_json;
use super::json_text::{value_of, write_json_string};
use super::manifest::digest_of;
use super::reference::DigestAlgorithm;
use super::spec::{ImageSpec, JobPhase, JobStatus};

/// The version of what is made of a spec: another one builds all images anew.
pub const CONTAINERFILE_VERSION: u32 = 1;

/// The label that a built image has its key in.
pub const KEY_LABEL: &str = "imgdex.build-key";

/// What the status tells of the last good build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The reference that was pushed.
    pub image: String,
    /// See [`ImageSpec::build_key`].
    pub key: String,
    /// What the base image's tag pointed to.
    pub base_digest: String,
    /// The base image as the spec named it; unset where an older version built it.
    pub base_image: Option<String>,
}

/// What is made, or to be made by the Job of a cluster: the spec may be changed before that
/// is done, and the base image's tag may move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// See [`ImageSpec::build_key`].
    pub key: String,
    pub base_digest: String,
    /// As the spec has it.
    pub base_image: String,
}

impl Wanted {
    const KEY: &str = "wantedKey";
    const BASE_DIGEST: &str = "wantedBaseDigest";
    const BASE_IMAGE: &str = "wantedBaseImage";

    /// The fields of a status that nothing is wanted by.
    pub const NONE: [(&'static str, Option<&'static str>); 4] = [
        (Self::KEY, None),
        (Self::BASE_DIGEST, None),
        (Self::BASE_IMAGE, None),
        ("created", None),
    ];

    /// Returns the fields of a status by which it is wanted.
    #[must_use]
    pub fn fields(&self) -> [(&'static str, Option<&str>); 3] {
        [
            (Self::KEY, Some(&self.key)),
            (Self::BASE_DIGEST, Some(&self.base_digest)),
            (Self::BASE_IMAGE, Some(&self.base_image)),
        ]
    }
}

impl ImageSpec {
    /// Returns what two builds have in common that make the same: the base image's
    /// digest, the packages in their order, and the version of the Containerfile.
    #[must_use]
    pub fn build_key(&self, base_digest: &str) -> String {
        let text = format!(
            "[{CONTAINERFILE_VERSION},{},{},{},{}]",
            words_json(&[base_digest.to_owned()]),
            words_json(&self.apt),
            words_json(&self.conda),
            words_json(&self.pip)
        );
        digest_of(text.as_bytes(), DigestAlgorithm::Sha256).to_string()
    }
}

impl JobStatus {
    /// Returns a field that holds a text.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<String> {
        let (_, json) = self.extra.iter().find(|(key, _)| key == field)?;
        value_of(json).ok()?.as_str().map(str::to_owned)
    }

    /// Returns what it tells of the last good build; nothing where it tells not all.
    #[must_use]
    pub fn built(&self) -> Option<Built> {
        Some(Built {
            image: self.text("image")?,
            key: self.text("key")?,
            base_digest: self.text("baseDigest")?,
            base_image: self.text("baseImage"),
        })
    }

    /// Returns whether a build made an image, even if a later one failed.
    #[must_use]
    pub fn was_built(&self) -> bool {
        self.phase == JobPhase::Succeeded || self.built().is_some()
    }

    /// Returns what the Job of a cluster is to make; nothing where none is waited for.
    #[must_use]
    pub fn wanted(&self) -> Option<Wanted> {
        if self.phase != JobPhase::Pending {
            return None;
        }
        Some(Wanted {
            key: self.text(Wanted::KEY)?,
            base_digest: self.text(Wanted::BASE_DIGEST)?,
            base_image: self.text(Wanted::BASE_IMAGE)?,
        })
    }

    /// Returns the status of the last good build, as if none had begun after it; nothing
    /// where there was none.
    #[must_use]
    pub fn last_good(&self) -> Option<JobStatus> {
        match self.phase {
            JobPhase::Succeeded => Some(self.clone()),
            _ => self.built().map(|_| {
                let mut gone = vec![("target", None), ("message", None)];
                gone.extend(Wanted::NONE);
                Self::after(Some(self), JobPhase::Succeeded, &gone)
            }),
        }
    }

    /// Returns the status that follows on one: in another phase, with fields that are
    /// set or, where there is no value, gone. All others stay.
    #[must_use]
    pub fn after(
        before: Option<&Self>,
        phase: JobPhase,
        fields: &[(&str, Option<&str>)],
    ) -> JobStatus {
        let mut extra = before.map(|job| job.extra.clone()).unwrap_or_default();
        for (field, value) in fields {
            let json = value.map(|value| {
                let mut json = Vec::new();
                write_json_string(value, &mut json);
                String::from_utf8(json).unwrap_or_default()
            });
            match (extra.iter().position(|(key, _)| key == field), json) {
                (Some(at), Some(json)) => extra[at].1 = json,
                (Some(at), None) => {
                    extra.remove(at);
                }
                (None, Some(json)) => extra.push(((*field).to_owned(), json)),
                (None, None) => {}
            }
        }
        JobStatus { phase, extra }
    }
}

impl ImageConfig {
    /// Returns what is known of the last good build.
    #[must_use]
    pub fn built(&self) -> Option<Built> {
        self.job.as_ref()?.built()
    }

    /// Returns whether a build made its references, even if a later one failed.
    #[must_use]
    pub fn was_built(&self) -> bool {
        self.job.as_ref().is_some_and(JobStatus::was_built)
    }

    /// Returns the status that a build follows on. Where somebody else built the image, who
    /// says not of what, its reference stands all the same, as a build of something else.
    #[must_use]
    pub fn job_before_a_build(&self) -> Option<JobStatus> {
        let job = self.job.as_ref()?;
        match &self.url {
            Some(url) if job.phase == JobPhase::Succeeded && job.built().is_none() => {
                let fields = [
                    ("image", Some(url.as_str())),
                    ("key", Some("")),
                    ("baseDigest", Some("")),
                ];
                Some(JobStatus::after(Some(job), job.phase, &fields))
            }
            _ => Some(job.clone()),
        }
    }

    /// Returns whether the spec is another one than that which was built.
    #[must_use]
    pub fn is_stale(&self) -> bool {
        let has_url = self.url.is_some() || self.url_for_gpu.is_some();
        match (&self.spec, self.built()) {
            (Some(spec), Some(built)) if has_url => {
                let has_other_base = (built.base_image).is_some_and(|base| base != spec.base_image);
                has_other_base || spec.build_key(&built.base_digest) != built.key
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(apt: &[&str], pip: &[&str]) -> ImageSpec {
        let words = |list: &[&str]| list.iter().map(|&word| word.to_owned()).collect();
        ImageSpec {
            base_image: "a".to_owned(),
            apt: words(apt),
            pip: words(pip),
            ..ImageSpec::default()
        }
    }

    #[test]
    fn the_key_tells_builds_apart_and_nothing_else() {
        let one = spec(&["curl"], &["x"]).build_key("sha256:a");
        assert_eq!(one, spec(&["curl"], &["x"]).build_key("sha256:a"));
        let mut named_otherwise = spec(&["curl"], &["x"]);
        named_otherwise.base_image = "docker.io/library/a:latest".to_owned();
        named_otherwise.pull_secret = Some("image-x".to_owned());
        assert_eq!(one, named_otherwise.build_key("sha256:a"));
        for (other, base) in [
            (spec(&["curl"], &["x"]), "sha256:b"),
            (spec(&["curl", "x"], &[]), "sha256:a"),
            (spec(&["curl\",\"x"], &[]), "sha256:a"),
            (spec(&[], &["curl", "x"]), "sha256:a"),
        ] {
            assert_ne!(one, other.build_key(base), "{other:?} {base}");
        }
        assert!(one.starts_with("sha256:") && one.len() == 71, "{one}");
    }

    #[test]
    fn a_status_keeps_what_it_is_not_told() {
        let fields = [
            ("image", Some("h/x:1")),
            ("key", Some("k\"")),
            ("baseDigest", Some("sha256:a")),
        ];
        let built = JobStatus::after(None, JobPhase::Succeeded, &fields);
        let kept = built.built().expect("it tells all");
        assert_eq!((kept.image.as_str(), kept.key.as_str()), ("h/x:1", "k\""));
        let failed = JobStatus::after(Some(&built), JobPhase::Failed, &[("message", Some("x"))]);
        assert_eq!(failed.built(), Some(kept));
        assert_eq!(failed.text("message").as_deref(), Some("x"));
        assert_eq!(failed.last_good().as_ref(), Some(&built));
        assert_eq!(built.last_good().as_ref(), Some(&built));
        let never = JobStatus::after(None, JobPhase::Running, &[("target", Some("h/x:1"))]);
        assert_eq!(never.last_good(), None);
        let again = JobStatus::after(Some(&failed), JobPhase::Succeeded, &[("message", None)]);
        assert_eq!(again, built);
    }

    #[test]
    fn an_image_is_stale_once_its_spec_is_another_one() {
        let mut config = ImageConfig {
            spec: Some(spec(&["curl"], &[])),
            ..ImageConfig::default()
        };
        assert!(!config.is_stale(), "it was never built");
        let key = spec(&["curl"], &[]).build_key("sha256:a");
        let fields = [
            ("image", Some("h/x:1")),
            ("key", Some(key.as_str())),
            ("baseDigest", Some("sha256:a")),
        ];
        config.job = Some(JobStatus::after(None, JobPhase::Succeeded, &fields));
        config.url = Some("h/x:1".to_owned());
        assert!(!config.is_stale());
        config.spec = Some(spec(&["curl", "git"], &[]));
        assert!(config.is_stale());
        config.spec = None;
        assert!(!config.is_stale());
    }

    #[test]
    fn another_base_image_alone_makes_an_image_stale() {
        let key = spec(&["curl"], &[]).build_key("sha256:a");
        let is_stale = |built_upon: Option<&str>, base: &str| {
            let fields = [
                ("image", Some("h/x:1")),
                ("key", Some(key.as_str())),
                ("baseDigest", Some("sha256:a")),
                ("baseImage", built_upon),
            ];
            let mut spec = spec(&["curl"], &[]);
            spec.base_image = base.to_owned();
            let config = ImageConfig {
                spec: Some(spec),
                job: Some(JobStatus::after(None, JobPhase::Succeeded, &fields)),
                url: Some("h/x:1".to_owned()),
                ..ImageConfig::default()
            };
            config.is_stale()
        };
        assert!(!is_stale(Some("a"), "a"));
        assert!(is_stale(Some("a"), "b"));
        assert!(!is_stale(None, "b"), "an older version did not note it");
    }
}
