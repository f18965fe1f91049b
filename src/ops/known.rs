//! A catalog that is only read, and what documents would make of it: the same
//! rules as where they are applied, in memory.

use std::collections::{HashMap, HashSet};

use super::Result;
use super::apply::{check_id, declared, new_group};
use super::documents::DescribedSecret;
use super::error::located;
use super::group_changes::settled;
use super::pictures::Pictures;
use crate::catalog::{self, Catalog};
use crate::domain::change::Subject;
use crate::domain::group::{Group, GroupRef, GroupsInput};
use crate::domain::image::{Image, ImageConfig, NewImage};
use crate::domain::image_rules::FieldFault;
use crate::domain::name::{check_group_name, is_uuid, shorten};
use crate::domain::secret::{Secret, SecretType};
use crate::formats::document::{Fault, Node};
use crate::formats::group::GroupDocument;

/// A thing as it is, if it is, and as it would be.
pub(super) type Step<T> = (Option<T>, T);

/// What the catalog knows, and what the documents so far add to it.
pub(super) struct Known<'a> {
    catalog: &'a Catalog,
    /// By id.
    groups: HashMap<String, Group>,
    /// The ids of groups by name.
    group_ids: HashMap<String, String>,
    /// The ids of the secrets that images can be pulled with.
    pull_secrets: HashSet<String>,
}

impl<'a> Known<'a> {
    pub(super) fn of(catalog: &'a Catalog) -> Result<Self> {
        let mut known = Self {
            catalog,
            groups: HashMap::new(),
            group_ids: HashMap::new(),
            pull_secrets: HashSet::new(),
        };
        for group in catalog.groups()? {
            known.keep_group(group);
        }
        for secret in catalog.secrets()? {
            known.keep_secret(&secret);
        }
        Ok(known)
    }

    /// Returns what a document makes of a group.
    pub(super) fn apply_group(&mut self, document: &GroupDocument) -> Result<Step<Group>> {
        let before = self.group(&document.name).cloned();
        let after = match &before {
            Some(before) => {
                check_id(document, before)?;
                let mut after = before.clone();
                if let Some(display_name) = &document.display_name {
                    after.display_name.clone_from(display_name);
                }
                after
            }
            None => {
                let group = new_group(document);
                for word in [&group.name, &group.id] {
                    if let Some(known) = self.group(word) {
                        return Err(super::Error::Catalog(catalog::Error::Exists {
                            subject: Subject::Group,
                            name: known.name.clone(),
                        }));
                    }
                }
                group
            }
        };
        self.keep_group(after.clone());
        Ok((before, after))
    }

    /// Returns what a document makes of a secret.
    pub(super) fn apply_secret(
        &mut self,
        document: &DescribedSecret,
    ) -> Result<std::result::Result<Step<Secret>, Vec<Fault>>> {
        let before = self.catalog.secret_of_id(&document.new.id)?;
        Ok(document.applied_to(before.as_ref()).map(|after| {
            self.keep_secret(&after);
            (before, after)
        }))
    }

    /// Returns what a document makes of an image.
    pub(super) fn apply_image(
        &mut self,
        name: &str,
        node: &Node,
        pictures: &Pictures,
    ) -> Result<std::result::Result<Step<Image>, Vec<Fault>>> {
        let before = match self.catalog.image(name) {
            Ok(image) => Some(self.with_groups_of_now(image)),
            Err(catalog::Error::NotFound {
                subject: Subject::Image,
                ..
            }) => None,
            Err(error) => return Err(error.into()),
        };
        let NewImage {
            config,
            groups,
            seen,
        } = match declared(before.as_ref(), node, pictures) {
            Ok(new) => new,
            Err(faults) => return Ok(Err(faults)),
        };
        let groups = match settled(groups, |word| Ok(self.group(word).cloned()))? {
            Ok(groups) => groups,
            Err(faults) => return Ok(Err(located(faults, node))),
        };
        let mut faults = self.secret_faults(&config);
        let groups = self.members(&groups, before.as_ref(), &mut faults);
        if !faults.is_empty() {
            return Ok(Err(located(faults, node)));
        }
        let after = Image {
            config,
            groups,
            seen,
            ..before.clone().unwrap_or_default()
        };
        Ok(Ok((before, after)))
    }

    /// A document before this one may have changed what groups are called.
    fn with_groups_of_now(&self, mut image: Image) -> Image {
        for member in &mut image.groups {
            if let Some(known) = self.groups.get(&member.id) {
                member.clone_from(known);
            }
        }
        image
    }

    fn secret_faults(&self, config: &ImageConfig) -> Vec<FieldFault> {
        let of_spec = config
            .spec
            .as_ref()
            .and_then(|spec| spec.pull_secret.as_ref());
        [
            ("useImagePullSecret", config.use_image_pull_secret.as_ref()),
            ("imageSpec.pullSecret", of_spec),
        ]
        .into_iter()
        .filter_map(|(field, id)| id.map(|id| (field, id)))
        .filter(|(_, id)| !self.pull_secrets.contains(*id))
        .map(|(field, id)| {
            let id = shorten(id);
            FieldFault::new(
                field,
                format!("secret `{id}` of type `kubernetes` does not exist"),
            )
        })
        .collect()
    }

    fn members(
        &mut self,
        input: &GroupsInput,
        before: Option<&Image>,
        faults: &mut Vec<FieldFault>,
    ) -> Vec<Group> {
        let (field, wanted) = match input {
            GroupsInput::Set(wanted) => ("groups", wanted),
            GroupsInput::Change { connect, .. } => ("groups.connect", connect),
        };
        let mut members = self.resolve(field, wanted, faults);
        // A new image is in no group that it could be taken out of.
        if let GroupsInput::Change { disconnect, .. } = input
            && let Some(before) = before
        {
            let removed = self.resolve("groups.disconnect", disconnect, faults);
            members.retain(|group| !before.groups.iter().any(|member| member.id == group.id));
            members.extend(before.groups.iter().cloned());
            members.retain(|member| !removed.iter().any(|group| group.id == member.id));
        }
        members.sort_by(|one, other| one.name.cmp(&other.name));
        members
    }

    /// Returns the groups that are meant, each once; whole ones are made where
    /// they are unknown.
    fn resolve(
        &mut self,
        field: &str,
        wanted: &[GroupRef],
        faults: &mut Vec<FieldFault>,
    ) -> Vec<Group> {
        let mut found: Vec<Group> = Vec::with_capacity(wanted.len());
        for (index, reference) in wanted.iter().enumerate() {
            match self.resolved(reference) {
                Ok(group) if found.iter().any(|known| known.id == group.id) => {}
                Ok(group) => found.push(group),
                Err(rule) => faults.push(FieldFault::new(format!("{field}[{index}]"), rule)),
            }
        }
        found
    }

    fn resolved(&mut self, reference: &GroupRef) -> std::result::Result<Group, String> {
        match reference {
            GroupRef::Known(word) => {
                let known = self.group(word).cloned();
                known
                    .ok_or_else(|| format!("group `{}` does not exist", shorten(reference.label())))
            }
            GroupRef::Whole(group) => {
                let known = self.group(&group.id).or_else(|| self.group(&group.name));
                if let Some(known) = known {
                    return Ok(known.clone());
                }
                check_group_name(&group.name)?;
                self.keep_group(group.clone());
                Ok(group.clone())
            }
        }
    }

    /// Returns the group of that id, in whatever case, or of that name.
    fn group(&self, word: &str) -> Option<&Group> {
        if is_uuid(word) {
            self.groups.get(&word.to_ascii_lowercase())
        } else {
            self.groups.get(self.group_ids.get(word)?)
        }
    }

    fn keep_group(&mut self, group: Group) {
        self.group_ids.insert(group.name.clone(), group.id.clone());
        self.groups.insert(group.id.clone(), group);
    }

    fn keep_secret(&mut self, secret: &Secret) {
        if secret.secret_type == SecretType::Kubernetes {
            self.pull_secrets.insert(secret.id.clone());
        }
    }
}
