//! The whole evaluation of users: features, scores, lifecycle and segments in one plan.

use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::Expr;

use super::lifecycle;
use super::rfm::Scores;
use crate::features::calendar::Calendar;
use crate::features::table::{FeatureTable, with_columns};
use crate::features::{Kind, Scope, compile};
use crate::project::model::Project;
use crate::project::problems::Problem;
use crate::sources::{Catalog, Facts, SourceError};

/// Why users cannot be evaluated.
#[derive(Debug, thiserror::Error)]
pub enum EvaluationError {
    /// Names or types in expressions do not fit the sources.
    #[error("{} of the project's expressions do not fit its sources", .0.len())]
    Problems(Vec<Problem>),
    /// The sources failed.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The engine failed.
    #[error("the evaluation failed: {0}")]
    Engine(DataFusionError),
}

impl From<DataFusionError> for EvaluationError {
    fn from(error: DataFusionError) -> EvaluationError {
        match SourceError::from_engine(error) {
            SourceError::Engine(error) => EvaluationError::Engine(error),
            source => EvaluationError::Source(source),
        }
    }
}

/// A project's expressions, translated as of an instant.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// What "now" and "today" mean.
    pub calendar: Calendar,
    /// Every name that a workflow's condition may use.
    pub scope: Scope,
    features: FeatureTable,
    scores: Option<Scores>,
    lifecycle: Option<Expr>,
    segments: Vec<(String, Expr)>,
}

impl Evaluation {
    /// Translates everything that is declared in `winback.yaml`; all problems at once.
    ///
    /// Names become known in the order features, scores, lifecycle, segments (each in the order of
    /// the YAML), and an expression sees what came before it.
    pub fn compile(project: &Project, catalog: &Catalog, calendar: Calendar) -> Result<Evaluation, EvaluationError> {
        let (evaluation, problems) = Evaluation::translate(project, catalog, calendar)?;
        if problems.is_empty() { Ok(evaluation) } else { Err(EvaluationError::Problems(problems)) }
    }

    /// [`Evaluation::compile`] for a check: what is wrong stands beside the evaluation, whose scope knows all
    /// names, so that the workflows that use a wrong feature are not called wrong too. Only one
    /// without problems can be carried out.
    pub fn translate(
        project: &Project,
        catalog: &Catalog,
        calendar: Calendar,
    ) -> Result<(Evaluation, Vec<Problem>), DataFusionError> {
        let (features, mut problems) = FeatureTable::translate(project, catalog, calendar);
        let mut scope = features.scope.clone();
        let scores = project.rfm.as_ref().and_then(|rfm| match Scores::compile(rfm, &mut scope) {
            Ok(scores) => Some(scores),
            Err(found) => {
                problems.extend(found);
                None
            }
        });
        let mut state = None;
        if !project.lifecycle.is_empty() {
            match lifecycle::state(&project.lifecycle, &scope) {
                Ok(expr) => state = Some(expr?),
                Err(found) => problems.extend(found),
            }
            scope.add_lifecycle(project.lifecycle.iter().map(|rule| rule.state.clone()).collect());
        }
        let mut segments = Vec::new();
        for segment in &project.segments {
            match compile(&segment.predicate, &scope, Some(Kind::Bool)) {
                Ok(typed) => segments.push((segment.name.clone(), typed.expr)),
                Err(found) => problems.extend(found),
            }
            // Known from here on even when it is wrong, so that its users are not called wrong too.
            scope.add(&segment.name, Kind::Bool);
        }
        Ok((Evaluation { calendar, scope, features, scores, lifecycle: state, segments }, problems))
    }

    /// One row per user: contacts, attributes, features, scores, lifecycle, segments.
    pub fn plan(&self, facts: &Facts) -> Result<DataFrame, DataFusionError> {
        let mut frame = self.features.plan(facts)?;
        if let Some(scores) = &self.scores {
            frame = scores.plan(frame)?;
        }
        if let Some(state) = &self.lifecycle {
            frame = with_columns(frame, vec![state.clone().alias("lifecycle")])?;
        }
        for (name, predicate) in &self.segments {
            frame = with_columns(frame, vec![predicate.clone().alias(name)])?;
        }
        Ok(frame)
    }

    /// Whether users are scored.
    pub fn has_scores(&self) -> bool {
        self.scores.is_some()
    }

    /// Whether a lifecycle is declared.
    pub fn has_lifecycle(&self) -> bool {
        self.lifecycle.is_some()
    }

    /// Names of the segments.
    pub fn segment_names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().map(|(name, _)| name.as_str())
    }
}
