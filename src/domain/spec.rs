//! Custom images: what is to be built, and how far that has come.

/// A base image and the packages to be added to it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageSpec {
    pub base_image: String,
    /// The id of a secret of type `kubernetes`, for the base image.
    pub pull_secret: Option<String>,
    pub apt: Vec<String>,
    pub conda: Vec<String>,
    pub pip: Vec<String>,
    /// Fields that the catalog does not know: name and JSON text.
    pub extra: Vec<(String, String)>,
}

impl ImageSpec {
    /// The package managers that a spec may name.
    pub const MANAGERS: [&str; 3] = ["apt", "conda", "pip"];

    /// Returns whether no package is named.
    #[must_use]
    pub fn has_no_packages(&self) -> bool {
        self.apt.is_empty() && self.conda.is_empty() && self.pip.is_empty()
    }
}

/// How far the build of a custom image has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobStatus {
    pub phase: JobPhase,
    /// Fields that the catalog does not know: name and JSON text.
    pub extra: Vec<(String, String)>,
}

/// The phase of a build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobPhase {
    Pending,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

impl JobPhase {
    /// The names as they are written in JSON.
    pub const NAMES: [&str; 5] = ["Pending", "Running", "Succeeded", "Failed", "Cancelled"];

    /// Returns the phase of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "Pending" => Self::Pending,
            "Running" => Self::Running,
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            "Cancelled" => Self::Cancelled,
            _ => return None,
        })
    }

    /// Returns the name as it is written in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
            Self::Cancelled => "Cancelled",
        }
    }
}
