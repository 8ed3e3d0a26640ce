//! A workflow's audience as expressions of the engine.

use datafusion::logical_expr::{Expr, SortExpr, ident};

use crate::features::{Kind, compile};
use crate::project::model::{Project, Workflow};
use crate::project::problems::Problem;
use crate::segments::Evaluation;

/// Who matches, who is excluded by policy, and who goes first.
#[derive(Debug, Clone)]
pub struct Selection {
    /// The audience's `where`.
    pub filter: Expr,
    /// The policy's `exclude`.
    pub exclude: Option<Expr>,
    /// The audience's `order_by`, then `user_id`: no two runs over the same facts differ.
    pub order: Vec<SortExpr>,
}

impl Selection {
    /// Translates a workflow's audience; all problems at once.
    pub fn compile(project: &Project, workflow: &Workflow, evaluation: &Evaluation) -> Result<Selection, Vec<Problem>> {
        let mut problems = Vec::new();
        let mut condition = |expression| match compile(expression, &evaluation.scope, Some(Kind::Bool)) {
            Ok(typed) => Some(typed.expr),
            Err(found) => {
                problems.extend(found);
                None
            }
        };
        let filter = condition(&workflow.audience.filter);
        let exclude = project.policy.exclude.as_ref().map(&mut condition);
        let mut order = Vec::new();
        for key in &workflow.audience.order_by {
            match compile(&key.key, &evaluation.scope, None) {
                // Users without a value come last in either direction.
                Ok(typed) => order.push(typed.expr.sort(!key.descending, false)),
                Err(found) => problems.extend(found),
            }
        }
        order.push(ident("user_id").sort(true, false));
        match filter {
            Some(filter) if problems.is_empty() => Ok(Selection { filter, exclude: exclude.flatten(), order }),
            Some(_) | None => Err(problems),
        }
    }
}
