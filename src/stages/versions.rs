//! The workflow version that an enrollment entered with, and keeps.

use std::collections::HashMap;
use std::sync::Arc;

use crate::project::model::{Project, Workflow};
use crate::store::{Store, StoreError};

/// Versions read so far. One that cannot be read any more is remembered as such.
#[derive(Debug, Default)]
pub struct Versions {
    known: HashMap<(String, String), Option<Arc<Workflow>>>,
}

impl Versions {
    /// The workflow as it was in that version. `None` when its file no longer fits the project (a
    /// channel was removed, say): its enrollments wait until it does again.
    pub async fn get(
        &mut self,
        project: &Project,
        store: &Store,
        workflow: &str,
        version: &str,
    ) -> Result<Option<Arc<Workflow>>, StoreError> {
        let key = (workflow.to_owned(), version.to_owned());
        if let Some(known) = self.known.get(&key) {
            return Ok(known.clone());
        }
        let current = project.workflow(workflow).filter(|current| current.version == version);
        let found = match current {
            Some(current) => Some(Arc::new(current.clone())),
            None => match store.version(workflow, version).await? {
                Some(yaml) => {
                    let file = format!("workflows/{workflow}.yaml");
                    let (compiled, problems) = crate::project::compile_workflow(&yaml, &file, project);
                    if !problems.is_empty() {
                        tracing::warn!(
                            workflow,
                            version,
                            "an earlier version no longer fits the project; its users wait"
                        );
                    }
                    compiled.map(Arc::new)
                }
                None => None,
            },
        };
        self.known.insert(key, found.clone());
        Ok(found)
    }
}
