//! `imgdex man`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory};

use super::{Cli, Status};
use crate::app::App;
use crate::error::{Error, Kind, Result};

/// Print the manual page, or write the pages of all commands into a folder
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  imgdex man | man -l -
  imgdex man --directory ~/.local/share/man/man1")]
pub struct Man {
    /// Write one page a command into this folder
    #[arg(long, value_name = "FOLDER")]
    directory: Option<PathBuf>,
}

impl Man {
    pub fn run(self, app: &mut App) -> Result<Status> {
        let mut root = Cli::command();
        root.build();
        match self.directory {
            None => {
                let page = render(root)?;
                app.console.out().write_all(&page)?;
            }
            Some(folder) => {
                let failed = |error: &std::io::Error| {
                    let message = format!("cannot write into `{}`", folder.display());
                    Error::new(Kind::Io, message).because(error)
                };
                fs::create_dir_all(&folder).map_err(|error| failed(&error))?;
                let count =
                    write_pages(&folder, &root, "imgdex").map_err(|error| failed(&error))?;
                app.console
                    .note(&format!("wrote {count} pages into `{}`", folder.display()));
            }
        }
        Ok(Status::Done)
    }
}

fn write_pages(folder: &Path, command: &Command, name: &str) -> std::io::Result<usize> {
    let page = render(
        command
            .clone()
            .name(name.to_owned())
            .display_name(name.to_owned()),
    )?;
    fs::write(folder.join(format!("{name}.1")), page)?;
    let mut count = 1;
    for verb in command.get_subcommands() {
        count += write_pages(folder, verb, &format!("{name}-{}", verb.get_name()))?;
    }
    Ok(count)
}

fn render(command: Command) -> std::io::Result<Vec<u8>> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(page)
}
