//! ImageStreams: the images that stand together in one file, and the tags that are
//! kept though they are not valid.

use super::Export;
use crate::domain::file_name::file_name;
use crate::domain::image::Image;
use crate::formats::document::{MAX_ITEM, write_yaml};
use crate::formats::platforms::{Outgoing, imagestream};
use crate::ops::Result;
use crate::ops::metadata::outgoing::Prepared;

impl Export<'_, '_> {
    /// Writes the ImageStream of some images.
    pub(super) fn stream(&mut self, images: &[(Image, Prepared)]) -> Result<()> {
        let Some((first, _)) = images.first() else {
            return Ok(());
        };
        let outgoing: Vec<Outgoing<'_>> = images
            .iter()
            .map(|(image, prepared)| prepared.outgoing(image))
            .collect();
        let mut stream = imagestream::stream(&outgoing);
        let name = imagestream::stream_name(first);
        if stream.left_out.len() < images.len() {
            let parts = std::mem::take(&mut self.invalid);
            for part in parts {
                if imagestream::part_name(&part) == Some(name.as_str()) {
                    imagestream::add_part(&mut stream.node, &part);
                } else {
                    self.invalid.push(part);
                }
            }
        }
        let mut text = Vec::new();
        write_yaml(&stream.node, 0, &mut text);
        let too_large = text.len() > MAX_ITEM;
        let mut is_written = false;
        for (index, (image, prepared)) in images.iter().enumerate() {
            let why = (stream.left_out.iter())
                .find(|(left, _)| *left == index)
                .map(|(_, why)| why.as_str())
                .or(too_large.then_some("its ImageStream would be larger than 4 MiB"));
            if let Some(why) = why {
                self.left_out(image, why);
                continue;
            }
            is_written = true;
            let lost: Vec<String> = (stream.lost.iter())
                .filter(|(lost, _)| *lost == index)
                .map(|(_, field)| field.clone())
                .collect();
            self.wrote(image, prepared, &lost);
        }
        if is_written {
            self.file(&file_name(&name, "yaml"), &text)?;
        }
        Ok(())
    }

    /// Writes the ImageStreams that no image is in, only tags that are not valid.
    pub(super) fn streams_of_parts(&mut self) -> Result<()> {
        let mut parts = std::mem::take(&mut self.invalid).into_iter();
        while let Some(mut stream) = parts.next() {
            let name = imagestream::part_name(&stream)
                .unwrap_or_default()
                .to_owned();
            let (same, others): (Vec<_>, Vec<_>) =
                parts.partition(|part| imagestream::part_name(part) == Some(name.as_str()));
            for part in &same {
                imagestream::add_part(&mut stream, part);
            }
            let mut text = Vec::new();
            write_yaml(&stream, 0, &mut text);
            self.file(&file_name(&name, "yaml"), &text)?;
            parts = others.into_iter();
        }
        Ok(())
    }
}
