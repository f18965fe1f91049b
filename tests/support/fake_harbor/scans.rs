//! Scans of artifacts, and what they find.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::accounts::Who;
use super::answers::{Answer, Answered, require};
use super::artifacts::found;
use super::server::Asked;
use super::state::{Artifact, State, project_of};

/// The media type of a report.
pub const REPORT: &str = "application/vnd.security.vulnerability.report; version=1.1";

/// Severities as Harbor names them, the worst last.
const SEVERITIES: [&str; 6] = ["None", "Unknown", "Low", "Medium", "High", "Critical"];

/// How a scan of a digest ends.
#[derive(Debug, Clone, Default)]
pub enum Outcome {
    /// Nothing was found.
    #[default]
    Clean,
    Found(Vec<Vulnerability>),
    /// The scan ends in `Error`.
    Error,
    /// Somebody stops it.
    Stopped,
    /// It cannot be scanned, which is answered with this status.
    Unscannable(u16),
}

#[derive(Debug, Clone)]
pub struct Vulnerability {
    pub id: String,
    pub package: String,
    pub version: String,
    /// Empty where nothing is fixed yet.
    pub fix_version: String,
    /// `Critical`, `High` and so on.
    pub severity: String,
    pub description: String,
    pub links: Vec<String>,
}

impl Vulnerability {
    pub fn new(id: &str, package: &str, severity: &str) -> Self {
        Self {
            id: id.to_owned(),
            package: package.to_owned(),
            version: "1.0".to_owned(),
            fix_version: "1.1".to_owned(),
            severity: severity.to_owned(),
            description: format!("{id} in {package}"),
            links: vec![format!("https://avd.aquasec.com/nvd/{}", id.to_lowercase())],
        }
    }
}

/// A scan that was started.
#[derive(Debug, Clone)]
pub struct Scan {
    id: i64,
    /// How often it is still asked for before it ends.
    left: u32,
    started: String,
    is_begun: bool,
    outcome: Outcome,
}

pub fn start(state: &mut State, who: &Who, repository: &str, reference: &str) -> Answered {
    require(state, who, project_of(repository), "scan", "create")?;
    let artifact = found(state, repository, reference)?;
    if state.without_scanner {
        let message = "no available scanner to scan";
        return Err(Answer::error(412, "PRECONDITION", message));
    }
    let mut is_scanned = false;
    for digest in scanned(&artifact) {
        let outcome = state.outcomes.get(&digest).cloned().unwrap_or_default();
        if let Outcome::Unscannable(status) = outcome {
            let code = if status == 400 {
                "BAD_REQUEST"
            } else {
                "UNPROCESSABLE_ENTITY"
            };
            let message = format!(
                "the configured scanner Trivy does not support scanning artifact with mime type {}",
                artifact.manifest_media_type
            );
            return Err(Answer::error(status, code, &message));
        }
        let scan = Scan {
            id: state.id(),
            left: state.paces.get(&digest).copied().unwrap_or(state.polls),
            started: state.now(),
            is_begun: false,
            outcome,
        };
        // What is scanned already is not scanned anew; only where that is all, it is told.
        if let Some(part) = state.artifact(repository, &digest) {
            let runs = part.scan.as_ref().is_some_and(|scan| scan.left > 0);
            if !runs {
                part.scan = Some(scan);
                is_scanned = true;
            }
        }
    }
    match is_scanned {
        true => Ok(Answer::empty(202)),
        false => Err(Answer::conflict("a previous scan process is Running")),
    }
}

/// Returns the digests that a scan of an artifact is of: for an index, those of its images.
fn scanned(artifact: &Artifact) -> Vec<String> {
    match artifact.references.as_slice() {
        [] => vec![artifact.digest.clone()],
        parts => parts.iter().map(|(digest, _)| digest.clone()).collect(),
    }
}

/// Returns the scans that an artifact's is made of; nothing where one of them is missing,
/// as Harbor does.
fn scans_of(state: &mut State, artifact: &Artifact) -> Option<Vec<Scan>> {
    let digests = scanned(artifact).into_iter();
    let scans = digests.map(|digest| state.artifact(&artifact.repository, &digest)?.scan.clone());
    scans.collect()
}

/// Returns what is told of an artifact's scan, and lets the scan go on.
pub fn overview(state: &mut State, artifact: &Artifact) -> Option<Value> {
    let now = state.now();
    let scans = scans_of(state, artifact)?;
    for digest in scanned(artifact) {
        let part = state.artifact(&artifact.repository, &digest);
        if let Some(scan) = part.and_then(|part| part.scan.as_mut()) {
            scan.left = scan.left.saturating_sub(1);
            scan.is_begun = true;
        }
    }
    let status = scans.iter().map(Scan::status).reduce(merged)?;
    let ids = scans.iter();
    let ids: Vec<String> = ids
        .map(|scan| format!("00000000-0000-4000-8000-{:012}", scan.id))
        .collect();
    let complete: Vec<&Scan> = scans
        .iter()
        .filter(|scan| scan.status() == "Success")
        .collect();
    let mut told = json!({
        "report_id": ids.join("|"),
        "scan_status": status,
        "severity": "",
        "duration": 1,
        "complete_percent": complete.len() * 100 / scans.len(),
        "start_time": scans[0].started,
        "end_time": now,
        "scanner": {"name": "Trivy", "vendor": "Aqua Security", "version": "v0.65.0"},
    });
    if state.tells_no_percent
        && let Some(told) = told.as_object_mut()
    {
        told.remove("complete_percent");
    }
    if status == "Success" {
        let all = all_of(&complete);
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for one in &all {
            *counts.entry(&one.severity).or_default() += 1;
        }
        told["severity"] = json!(worst(&all));
        told["summary"] = json!({
            "total": all.len(),
            "fixable": all.iter().filter(|one| !one.fix_version.is_empty()).count(),
            "summary": counts,
        });
    }
    Some(json!({ REPORT: told }))
}

impl Scan {
    fn status(&self) -> &'static str {
        match (self.left, &self.outcome) {
            (0, Outcome::Error) => "Error",
            (0, Outcome::Stopped) => "Stopped",
            (0, _) => "Success",
            _ if self.is_begun => "Running",
            _ => "Pending",
        }
    }
}

/// Returns what Harbor says of two scans: it is over and well where one of them is, and
/// none runs.
fn merged(one: &'static str, other: &'static str) -> &'static str {
    for status in ["Running", "Success", "Error", "Stopped"] {
        if [one, other].contains(&status) {
            return status;
        }
    }
    one
}

/// Returns what scans found, each vulnerability once.
fn all_of(scans: &[&Scan]) -> Vec<Vulnerability> {
    let mut all: Vec<Vulnerability> = Vec::new();
    for one in scans.iter().flat_map(|scan| vulnerabilities(&scan.outcome)) {
        let key = |one: &Vulnerability| (one.id.clone(), one.package.clone());
        if !all.iter().any(|known| key(known) == key(one)) {
            all.push(one.clone());
        }
    }
    all
}

fn vulnerabilities(outcome: &Outcome) -> &[Vulnerability] {
    match outcome {
        Outcome::Found(all) => all,
        _ => &[],
    }
}

fn rank(severity: &str) -> usize {
    let known = SEVERITIES.iter();
    let mut known = known.map(|one| one.eq_ignore_ascii_case(severity));
    known.position(|same| same).unwrap_or(1)
}

fn worst(all: &[Vulnerability]) -> &'static str {
    SEVERITIES[all.iter().map(|one| rank(&one.severity)).max().unwrap_or(0)]
}

pub fn report(
    state: &mut State,
    asked: &Asked,
    who: &Who,
    repository: &str,
    reference: &str,
) -> Answered {
    require(
        state,
        who,
        project_of(repository),
        "artifact-addition",
        "read",
    )?;
    let artifact = found(state, repository, reference)?;
    let accepted = asked.seen.header("x-accept-vulnerabilities");
    let is_accepted = accepted.is_empty() || accepted.contains(REPORT);
    let scans = scans_of(state, &artifact).unwrap_or_default();
    // What has no report yet is left out, as long as one has.
    let ready: Vec<&Scan> = scans
        .iter()
        .filter(|scan| scan.status() == "Success")
        .collect();
    let body = match ready.first() {
        Some(first) if is_accepted => {
            let all = all_of(&ready);
            let told = |one: &Vulnerability| {
                json!({
                    "id": one.id,
                    "package": one.package,
                    "version": one.version,
                    "fix_version": one.fix_version,
                    "severity": one.severity,
                    "description": one.description,
                    "links": one.links,
                    "artifact_digests": [artifact.digest],
                })
            };
            json!({ REPORT: {
                "generated_at": first.started,
                "scanner": {"name": "Trivy", "vendor": "Aqua Security", "version": "v0.65.0"},
                "severity": worst(&all),
                "vulnerabilities": all.iter().map(told).collect::<Vec<_>>(),
            }})
        }
        _ => json!({}),
    };
    Ok(Answer::json(200, body))
}

/// Returns why the project's policy keeps an artifact from being pulled.
pub fn policy_violation(state: &State, artifact: &Artifact) -> Option<String> {
    let project = state.project(project_of(&artifact.repository))?;
    let least = project.prevent.as_deref()?;
    let Some(scan) = artifact.scan.as_ref().filter(|scan| scan.left == 0) else {
        return Some(format!(
            "current image without vulnerability scanning cannot be pulled due to configured policy in 'Prevent images with vulnerability severity of \"{least}\" or higher from running.'"
        ));
    };
    let all = vulnerabilities(&scan.outcome);
    let count = all
        .iter()
        .filter(|one| rank(&one.severity) >= rank(least))
        .count();
    (count > 0).then(|| {
        format!(
            "current image with {count} vulnerabilities cannot be pulled due to configured policy in 'Prevent images with vulnerability severity of \"{least}\" or higher from running.'"
        )
    })
}
