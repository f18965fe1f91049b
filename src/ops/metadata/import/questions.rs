//! What registries are asked before an import begins: the references of all good
//! entries.

use std::path::Path;

use super::{ImportOptions, opened};
use crate::ops::Result;
use crate::ops::metadata::read::PlatformFile;
use crate::ops::verify::Questions;

/// Adds the references of the good entries of a folder to the questions.
///
/// # Errors
/// Those of the folder. What is wrong with a file, the import tells.
pub fn references(
    folder: &Path,
    options: ImportOptions<'_>,
    questions: &mut Questions,
) -> Result<()> {
    let folder = opened(folder, options.platform)?;
    for name in folder.files(options.platform.endings())? {
        let name = name?;
        let Ok(file) = folder.open_file(&name) else {
            continue;
        };
        let file = PlatformFile::new(options.platform, &name, &file);
        file.for_each(|entry, _| {
            if let Ok(incoming) = &entry.image {
                questions.add_image(&incoming.image.config);
            }
            Ok(())
        })?;
    }
    Ok(())
}
