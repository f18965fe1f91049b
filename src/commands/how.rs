//! The options of commands that ask registries.

use std::path::PathBuf;

use clap::Args;

use crate::app::network::Choices;

/// How registries are reached.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Registry options")]
pub struct How {
    /// A file of credentials, as podman and docker keep them [env: REGISTRY_AUTH_FILE]
    #[arg(long, value_name = "PATH")]
    authfile: Option<PathBuf>,
    /// Certificates in PEM to trust beside the system's
    #[arg(long, value_name = "PATH")]
    ca_file: Option<PathBuf>,
    /// Do not verify the registry's certificate
    #[arg(long)]
    insecure: bool,
    /// Speak to the registry without TLS
    #[arg(long, conflicts_with_all = ["ca_file", "insecure"])]
    plain_http: bool,
}

impl From<How> for Choices {
    fn from(how: How) -> Self {
        Self {
            authfile: how.authfile,
            ca_file: how.ca_file,
            insecure: how.insecure,
            plain_http: how.plain_http,
            ..Self::default()
        }
    }
}
