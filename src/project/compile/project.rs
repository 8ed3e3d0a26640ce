//! `winback.yaml` as a whole.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use chrono_tz::Tz;

use super::{channels, features, policy, rfm, rules, sources};
use crate::project::model::{Project, Secret};
use crate::project::names::inner_path;
use crate::project::problems::{Place, Problems};
use crate::project::spec::project::ProjectSpec;
use crate::project::spec::scalar::FromEnv;

/// Overrides `database`.
const DATABASE_VARIABLE: &str = "WINBACK_DATABASE";
const DEFAULT_DATABASE: &str = "sqlite:data/winback.db";
const DEFAULT_LAKE: &str = "data/lake";

/// What workflows need to know of the project.
#[derive(Debug, Clone)]
pub struct Shared {
    /// The zone of cron lines that name none.
    pub timezone: Tz,
    /// The names of the channels; `None` where they are not known, and then none is missed.
    pub channels: Option<BTreeSet<String>>,
}

impl Shared {
    /// What the spec says, also where other parts of it are wrong.
    pub fn of(spec: &ProjectSpec) -> Shared {
        let channels = spec.channels.iter().flat_map(|channels| &channels.entries);
        Shared { timezone: timezone(spec), channels: Some(channels.map(|channel| channel.name.clone()).collect()) }
    }
}

/// Makes the project, without its workflows.
pub fn compile(
    spec: ProjectSpec,
    root: &Path,
    env: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) -> Option<Project> {
    let timezone = timezone(&spec);
    let database = database(&spec, root, env, problems);
    let lake = lake(spec.lake.as_ref(), root, problems);
    let has_tracking = spec.tracking.is_some();
    let sources = spec.sources.0.and_then(|spec| sources::compile(spec, problems));
    let features = features::compile(spec.features.unwrap_or_default(), problems);
    let rfm = spec.rfm.map(|spec| rfm::compile(spec, problems));
    let lifecycle = rules::lifecycle(spec.lifecycle.unwrap_or_default(), problems);
    let segments = rules::segments(spec.segments.unwrap_or_default(), &features, problems);
    let channels = channels::compile(spec.channels.unwrap_or_default(), root, has_tracking, problems);
    let policy = policy::policy(spec.policy);
    let tracking = spec.tracking.map(|spec| policy::tracking(spec, problems));
    Some(Project {
        root: root.to_owned(),
        timezone,
        database: database?,
        lake: lake?,
        sources: sources?,
        features,
        rfm: flatten(rfm)?,
        lifecycle,
        segments,
        channels,
        policy,
        tracking: flatten(tracking)?,
        workflows: Vec::new(),
    })
}

/// An optional section: absent is fine, broken is not.
fn flatten<T>(section: Option<Option<T>>) -> Option<Option<T>> {
    match section {
        None => Some(None),
        Some(compiled) => compiled.map(Some),
    }
}

fn timezone(spec: &ProjectSpec) -> Tz {
    spec.timezone.as_ref().map_or(Tz::UTC, |zone| zone.value)
}

fn database(
    spec: &ProjectSpec,
    root: &Path,
    env: &dyn Fn(&str) -> Option<String>,
    problems: &mut Problems,
) -> Option<Secret> {
    let from_env = env(DATABASE_VARIABLE).filter(|value| !value.trim().is_empty());
    let text = match (&from_env, &spec.database) {
        (Some(value), _) => value.trim(),
        (None, Some(given)) => given.value.trim(),
        (None, None) => DEFAULT_DATABASE,
    };
    match database_url(text, root) {
        Ok(url) => Some(Secret(url)),
        Err(hint) => {
            let place = spec.database.as_ref().map_or_else(|| Place::file(&spec.place.file), |d| d.place.clone());
            let name = if from_env.is_some() { DATABASE_VARIABLE } else { "database" };
            problems.push(place, format!("`{name}` is no address of a database"), Some(hint));
            None
        }
    }
}

/// The address with an absolute path, or what to write instead. Never repeats the address: it may
/// hold a password.
fn database_url(text: &str, root: &Path) -> Result<String, String> {
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        let parsed = url::Url::parse(text).ok().filter(|url| url.host_str().is_some_and(|host| !host.is_empty()));
        return match parsed {
            Some(_) => Ok(text.to_owned()),
            None => Err("`postgres://user:password@host/database`".to_owned()),
        };
    }
    let Some(path) = text.strip_prefix("sqlite:") else {
        return Err("`sqlite:data/winback.db` or `postgres://user:password@host/database`".to_owned());
    };
    let path = path.strip_prefix("//").unwrap_or(path);
    if path.contains([':', '?', '#']) {
        return Err("after `sqlite:` stands the path of a file, and nothing else".to_owned());
    }
    resolve(path, root).map(|path| format!("sqlite:{}", path.display()))
}

fn lake(given: Option<&FromEnv>, root: &Path, problems: &mut Problems) -> Option<PathBuf> {
    let Some(given) = given else { return Some(root.join(DEFAULT_LAKE)) };
    resolve(given.value.trim(), root)
        .map_err(|hint| problems.push(given.place.clone(), "`lake` is no folder that can be used", Some(hint)))
        .ok()
}

/// Below the root, or where an operator says with an absolute path; never by way of `..`.
fn resolve(path: &str, root: &Path) -> Result<PathBuf, String> {
    match path.strip_prefix('/') {
        Some(rest) => inner_path(rest).map(|path| Path::new("/").join(path)),
        None => inner_path(path).map(|path| root.join(path)),
    }
}
