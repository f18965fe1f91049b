//! What `images verify` and every `--verify` share: how registries are asked.

use clap::Args;

use super::How;
use crate::app::App;
use crate::domain::reference::Registry;
use crate::error::Result;
use crate::ops::verify::{Answers, Asking, Questions, Verified, ask, is_platform};
use crate::output::progress::Progress;

/// What an image must be, and how its registry is reached.
#[derive(Debug, Default, Args)]
pub struct Verifying {
    /// The platform that images must have, such as linux/amd64
    #[arg(long, value_name = "OS/ARCH", value_parser = platform)]
    platform: Option<String>,
    /// Do not look into digests that are new: no size, no platforms, one request each
    #[arg(long)]
    shallow: bool,
    #[command(flatten)]
    how: How,
}

/// Reads a platform.
pub fn platform(text: &str) -> std::result::Result<String, String> {
    if is_platform(text) {
        Ok(text.to_owned())
    } else {
        Err("write it as `os/arch` or `os/arch/variant`".to_owned())
    }
}

impl From<How> for Verifying {
    fn from(how: How) -> Self {
        Self {
            how,
            ..Self::default()
        }
    }
}

impl Verifying {
    /// Returns the platform that images must have, where somebody says so.
    pub fn platform(&self, app: &App) -> Option<String> {
        let setting = || app.settings.get("platform").map(str::to_owned);
        self.platform.clone().or_else(setting)
    }

    /// Asks registries, and tells on standard error how far that is.
    ///
    /// # Errors
    /// Where they cannot be asked at all: what is wrong with one is an answer.
    pub fn ask(self, app: &mut App, questions: Questions) -> Result<Answers> {
        if questions.is_empty() {
            return Ok(questions.unanswered());
        }
        let registries = questions.registries();
        let registries: Vec<&Registry> = registries.iter().collect();
        let needs_details = self.platform(app).is_some();
        let reach = app.reach(&registries, &self.how.into())?;
        let asking = Asking {
            client: &reach.network.client,
            connections: &app.connections(),
            shallow: self.shallow,
            needs_details,
        };
        let mut progress = Progress::new("references", app.console.no_progress);
        let mut tell = |count| progress.done(count);
        let answers = reach.network.wait(ask(questions, &asking, &mut tell));
        drop(progress);
        reach.tell(app);
        Ok(answers)
    }
}

/// Asks registries for what is to be written, as the settings say.
///
/// # Errors
/// Where they cannot be asked at all, and those of the catalog.
pub fn verified(app: &mut App, mut questions: Questions) -> Result<Verified> {
    // Nobody waits for the catalog while registries are asked.
    questions.know_all_of(&*app.read()?)?;
    let verifying = Verifying::default();
    let platform = verifying.platform(app);
    let answers = verifying.ask(app, questions)?;
    let now = app.actor().now;
    Ok(Verified::new(&*app.read()?, answers, platform, now)?)
}
