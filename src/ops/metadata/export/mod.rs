//! Export: the images of a platform's catalog as the files that it reads.

mod invalid;
mod names;
mod streams;
mod told;

use std::collections::HashSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

pub use told::{ExportOptions, ExportReport, Told};

use crate::catalog::Catalog;
use crate::domain::image::{Image, ImageFilter};
use crate::domain::platform::Platform;
use crate::formats::document::{
    Node, Position, json, write_json_pretty, write_yaml, write_yaml_item,
};
use crate::formats::platforms::{self, fields, imagestream, kubeflow};
use crate::ops::metadata::belongs;
use crate::ops::metadata::list::filter_of;
use crate::ops::metadata::outgoing::{Prepared, SecretNames, entry_file};
use crate::ops::metadata::read::{Ended, PlatformFile};
use crate::ops::metadata::target::{Destination, Target};
use crate::ops::{Error, Result};

/// Writes the images of a platform's catalog to `directory/PLATFORM`.
/// `go_on` is asked whether to, before each image.
///
/// # Errors
/// [`Error::Write`] and others; the folder is as it was before then.
pub fn export(
    catalog: &Catalog,
    directory: &Path,
    options: &ExportOptions<'_>,
    go_on: &dyn Fn() -> bool,
    told: &mut dyn FnMut(Told<'_>),
) -> Result<ExportReport> {
    let platform = options.platform;
    let secrets = SecretNames::of(catalog)?;
    let mut filter = ImageFilter {
        group: options.group.clone(),
        tags: options.tags.clone(),
        kind: options.kind.clone(),
        by_stream: platform == Platform::Opendatahub,
        ..filter_of(platform)
    };
    if options.all {
        filter.format = None;
    }
    let target = Target::open(Destination {
        directory,
        platform,
        clean: options.clean,
        home: options.home,
        lock_timeout: options.lock_timeout,
    })?;
    let mut export = Export {
        options,
        secrets,
        target,
        told,
        report: ExportReport::default(),
        out: Out::of(platform),
        invalid: Vec::new(),
        renamed: HashSet::new(),
    };
    catalog.in_snapshot::<_, Error>(|catalog| {
        if options.include_invalid {
            export.parts(catalog)?;
        }
        catalog.for_each_image::<Error>(&filter, |image| {
            if !go_on() {
                return Err(Error::Interrupted);
            }
            export.image(catalog, image)
        })?;
        export.end_images(catalog)?;
        if options.include_invalid {
            export.files(catalog)?;
        }
        Ok(())
    })?;
    if !go_on() {
        return Err(Error::Interrupted);
    }
    let Export {
        target,
        told,
        report,
        ..
    } = export;
    target.finish(
        |name, file| is_valid(&PlatformFile::new(platform, name, file)),
        |file| told(Told::Foreign { file }),
    )?;
    Ok(report)
}

/// Returns whether a file is one of the platform's, without a fault.
fn is_valid(file: &PlatformFile<'_>) -> Result<bool> {
    let mut entries = 0;
    let mut faults = 0;
    let ended = file.for_each(|entry, _| {
        entries += 1;
        faults += u64::from(entry.image.is_err());
        Ok(())
    })?;
    Ok(matches!(ended, Ended::Well) && entries > 0 && faults == 0)
}

/// How images become files.
enum Out {
    /// Each has its own.
    Each,
    /// Those that stand together have one.
    Streams(Vec<(Image, Prepared)>),
    /// All are elements of the list in this one.
    List(Option<BufWriter<File>>),
    /// All are in these two.
    Kubeflow(Box<kubeflow::Files>),
}

impl Out {
    fn of(platform: Platform) -> Self {
        match platform {
            Platform::RuntimeImages | Platform::Adalab | Platform::Primehub => Self::Each,
            Platform::Opendatahub => Self::Streams(Vec::new()),
            Platform::Kubespawner | Platform::Kustomize => Self::List(None),
            Platform::Kubeflow => Self::Kubeflow(Box::default()),
        }
    }
}

struct Export<'a, 'b> {
    options: &'a ExportOptions<'a>,
    secrets: SecretNames,
    target: Target<'a>,
    told: &'b mut dyn FnMut(Told<'_>),
    report: ExportReport,
    out: Out,
    /// Entries of lists that are kept though they are not valid.
    invalid: Vec<Node>,
    /// The names that were given in place of others.
    renamed: HashSet<String>,
}

impl Export<'_, '_> {
    fn image(&mut self, catalog: &Catalog, mut image: Image) -> Result<()> {
        let platform = self.options.platform;
        let Some(name) = self.allowed_name(catalog, &image)? else {
            return Ok(());
        };
        let prepared = Prepared::of(&image, &name, self.options.digests, &self.secrets);
        if let Some(fitting) = platforms::without_misfit(platform, &prepared.outgoing(&image)) {
            image = fitting;
            (self.told)(Told::Lost {
                name: &name,
                fields: &[platform.name().to_owned()],
            });
        }
        if let Out::Streams(waiting) = &mut self.out {
            let is_another = waiting.first().is_some_and(|(first, _)| {
                imagestream::stream_name(first) != imagestream::stream_name(&image)
            });
            let ended = is_another.then(|| std::mem::take(waiting));
            if let Some(ended) = ended {
                self.stream(&ended)?;
            }
            if let Out::Streams(waiting) = &mut self.out {
                waiting.push((image, prepared));
            }
            return Ok(());
        }
        let outgoing = prepared.outgoing(&image);
        let written = match &mut self.out {
            Out::Kubeflow(files) => files.add(&outgoing).map(|()| None),
            _ => platforms::document(platform, &outgoing).map(Some),
        };
        match written {
            Err(why) => self.left_out(&image, &why),
            Ok(document) => {
                if let Some(document) = document {
                    self.write(&prepared, &document)?;
                }
                self.wrote(&image, &prepared, &[]);
            }
        }
        Ok(())
    }

    fn write(&mut self, prepared: &Prepared, document: &Node) -> Result<()> {
        let mut text = Vec::new();
        if let Out::List(list) = &mut self.out {
            if list.is_none() {
                *list = Some(begin_list(&mut self.target, self.options.platform)?);
            }
            write_yaml_item(document, 0, &mut text);
            if let Some(list) = list {
                let written = list.write_all(&text);
                written
                    .map_err(|error| self.target.failed(list_file(self.options.platform), error))?;
            }
            return Ok(());
        }
        let name = entry_file(self.options.platform, &prepared.name);
        match self.options.platform {
            // As Elyra writes it: two spaces a level, and no line break at the end.
            Platform::RuntimeImages | Platform::Adalab => write_json_pretty(document, 0, &mut text),
            _ => write_yaml(document, 0, &mut text),
        }
        let written = self.file(&name, &text)?;
        if written
            != format!(
                "{}.{}",
                prepared.name,
                name.rsplit('.').next().unwrap_or_default()
            )
        {
            (self.told)(Told::Renamed {
                name: &prepared.name,
                to: &written,
            });
        }
        Ok(())
    }

    /// Writes a whole file, and returns the name that it got.
    fn file(&mut self, name: &str, text: &[u8]) -> Result<String> {
        let (mut file, name) = self.target.create(name)?;
        file.write_all(text)
            .map_err(|source| self.target.failed(&name, source))?;
        Ok(name)
    }

    /// Writes what all images are in.
    fn end_images(&mut self, catalog: &Catalog) -> Result<()> {
        let platform = self.options.platform;
        match std::mem::replace(&mut self.out, Out::Each) {
            Out::Each => {}
            Out::Streams(waiting) => {
                self.stream(&waiting)?;
                self.streams_of_parts()?;
            }
            Out::List(None) if self.invalid.is_empty() => {
                let text = match platform {
                    Platform::Kustomize => format!("{KUSTOMIZATION} []\n"),
                    _ => "[]\n".to_owned(),
                };
                self.file(list_file(platform), text.as_bytes())?;
            }
            Out::List(list) => {
                let mut list = match list {
                    Some(list) => list,
                    None => begin_list(&mut self.target, platform)?,
                };
                let mut text = Vec::new();
                for node in &self.invalid {
                    write_yaml_item(node, 0, &mut text);
                }
                let written = list.write_all(&text).and_then(|()| list.flush());
                written.map_err(|error| self.target.failed(list_file(platform), error))?;
            }
            Out::Kubeflow(files) => {
                let kept = |file| -> Result<Option<Node>> {
                    let text = catalog.kept_file(platform, file)?;
                    Ok(text.and_then(|text| json::parse(text.as_bytes(), Position::START).ok()))
                };
                let (spawner, kind) = files.finish(
                    kept(kubeflow::SPAWNER_FILE)?.as_ref(),
                    kept(kubeflow::WORKSPACE_KIND_FILE)?.as_ref(),
                );
                for (name, node) in [
                    (kubeflow::SPAWNER_FILE, spawner),
                    (kubeflow::WORKSPACE_KIND_FILE, kind),
                ] {
                    let mut text = Vec::new();
                    write_yaml(&node, 0, &mut text);
                    self.file(name, &text)?;
                }
            }
        }
        Ok(())
    }

    fn wrote(&mut self, image: &Image, prepared: &Prepared, more_lost: &[String]) {
        self.report.exported += 1;
        let name = &image.config.name;
        let mut lost = fields::lost(self.options.platform, image);
        lost.extend(
            more_lost
                .iter()
                .filter(|field| !lost.contains(field))
                .cloned()
                .collect::<Vec<_>>(),
        );
        if !lost.is_empty() {
            (self.told)(Told::Lost {
                name,
                fields: &lost,
            });
        }
        for (field, what) in &prepared.lacks {
            (self.told)(Told::Lacks { name, field, what });
        }
        (self.told)(Told::Progress(self.report.exported));
    }

    fn left_out(&mut self, image: &Image, why: &str) {
        // Where all are asked for, those are meant that can be held.
        self.report.left_out += u64::from(belongs(image, self.options.platform));
        (self.told)(Told::LeftOut {
            name: &image.config.name,
            why,
        });
    }
}

/// What stands before the images of a Kustomization.
const KUSTOMIZATION: &str =
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nimages:";

fn list_file(platform: Platform) -> &'static str {
    match platform {
        Platform::Kustomize => "kustomization.yaml",
        _ => "profile_list.yaml",
    }
}

fn begin_list(target: &mut Target<'_>, platform: Platform) -> Result<BufWriter<File>> {
    let (file, name) = target.create(list_file(platform))?;
    let mut file = BufWriter::new(file);
    if platform == Platform::Kustomize {
        file.write_all(format!("{KUSTOMIZATION}\n").as_bytes())
            .map_err(|error| target.failed(&name, error))?;
    }
    Ok(file)
}
