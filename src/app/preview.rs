//! What a run would do, without doing it: decisions, and one rendered message per stage and variant.

use chrono::{DateTime, Utc};

use crate::audience::reader;
use crate::audience::run::{RunError, rules};
use crate::audience::selection::Selection;
use crate::delivery::prepare::{self, Context, Preview};
use crate::delivery::render::{LinkMaker, Templates};
use crate::domain::token::Signer;
use crate::domain::vocabulary::{Arm, Decision, EnrollmentStatus, MessageStatus};
use crate::features::calendar::Calendar;
use crate::project::model::{Project, Stage, Variant, Workflow};
use crate::segments::{Evaluation, EvaluationError};
use crate::sources::Catalog;
use crate::sources::faults::Faults;
use crate::store::Store;
use crate::store::enrollments::NewEnrollment;
use crate::store::entities::{enrollment, message};
use crate::store::suppressions::Suppressed;

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunPreview {
    /// Users considered.
    pub considered: u64,
    /// Users who would get messages.
    pub treated: u64,
    /// Users held out.
    pub holdout: u64,
    /// Users per reason.
    pub excluded: serde_json::Map<String, serde_json::Value>,
    /// Rows of the sources that could not be used, per source.
    pub faults: Vec<(String, Faults)>,
    /// One message per stage and variant, for the first user taken; none where nobody is.
    pub samples: Vec<Sample>,
}

/// A message as somebody would get it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// The stage.
    pub stage: String,
    /// The variant.
    pub variant: String,
    /// The channel.
    pub channel: String,
    /// Subject of a mail.
    pub subject: Option<String>,
    /// Text part of a mail, or the body of a call; why there is none otherwise.
    pub text: String,
}

/// Decides as a run at `as_of` would. Nothing is written; `store` is only read.
pub async fn preview(
    project: &Project,
    workflow: &Workflow,
    catalog: &Catalog,
    templates: &Templates,
    store: Option<&Store>,
    as_of: DateTime<Utc>,
) -> Result<RunPreview, RunError> {
    let calendar = Calendar { as_of, zone: project.timezone };
    let evaluation = Evaluation::compile(project, catalog, calendar)?;
    let selection = Selection::compile(project, workflow, &evaluation).map_err(EvaluationError::Problems)?;
    let rules = rules(project, workflow, store, as_of).await?;
    let facts = catalog.facts(as_of).await.map_err(EvaluationError::Source)?;
    let outcome = reader::decide(&evaluation, &facts, &selection, &rules, |_, _| Ok::<(), RunError>(())).await?;
    let somebody = outcome.taken.iter().find(|user| user.arm == Arm::Treated).or(outcome.taken.first());
    let mut samples = Vec::new();
    if let Some(user) = somebody {
        for stage in &workflow.stages {
            for variant in &stage.variants {
                samples.extend(sample(project, workflow, stage, variant, user, templates, as_of));
            }
        }
    }
    Ok(RunPreview {
        considered: outcome.considered,
        treated: outcome.count(Decision::Treated),
        holdout: outcome.count(Decision::Holdout),
        excluded: outcome.excluded(),
        faults: outcome.faults,
        samples,
    })
}

/// Renders a message of a ledger that does not exist: message and enrollment 0. Its links are signed
/// with a key that nobody has, so that following one from a sample can never count.
fn sample(
    project: &Project,
    workflow: &Workflow,
    stage: &Stage,
    variant: &Variant,
    user: &NewEnrollment,
    templates: &Templates,
    as_of: DateTime<Utc>,
) -> Option<Sample> {
    let channel = project.channels.get(&stage.channel)?;
    let links = project
        .tracking
        .as_ref()
        .map(|tracking| LinkMaker { signer: Signer::new(b"sample"), base_url: tracking.url.clone() });
    let message = message::Model {
        id: 0,
        key: "sample".to_owned(),
        enrollment_id: 0,
        workflow: workflow.name.clone(),
        stage: stage.id.clone(),
        user_id: user.user_id.clone(),
        variant: variant.name.clone(),
        channel: stage.channel.clone(),
        status: MessageStatus::Pending.as_str().to_owned(),
        reason: None,
        priority: workflow.priority,
        created_at: as_of,
        due_at: as_of,
        expires_at: None,
        next_attempt_at: None,
        attempts: 0,
        epoch: 0,
        claimed_by: None,
        settled_at: None,
    };
    let enrollment = enrollment::Model {
        id: 0,
        workflow: workflow.name.clone(),
        version: workflow.version.clone(),
        run_id: 0,
        user_id: user.user_id.clone(),
        arm: user.arm.as_str().to_owned(),
        status: EnrollmentStatus::Active.as_str().to_owned(),
        exit_reason: None,
        entered_at: as_of,
        window_ends_at: as_of,
        position: 0,
        due_at: None,
        ended_at: None,
        email: user.person.email.clone(),
        phone: user.person.phone.clone(),
        name: user.person.name.clone(),
        locale: user.person.locale.clone(),
        profile: user.person.profile.clone(),
    };
    let context =
        Context { workflow, channel, templates, links: links.as_ref(), suppressed: &Suppressed::default(), now: as_of };
    let (subject, text) = match prepare::preview(&message, &enrollment, &context) {
        Ok(Preview::Mail(mail)) => (Some(mail.subject), mail.text),
        Ok(Preview::Call(body)) => (None, String::from_utf8_lossy(&body).into_owned()),
        Err(reason) => (None, format!("(skipped: {reason})")),
    };
    Some(Sample {
        stage: stage.id.clone(),
        variant: variant.name.clone(),
        channel: stage.channel.clone(),
        subject,
        text,
    })
}
