//! A stage's condition, asked of many enrollments at once over their kept values and facts.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::json::ReaderBuilder;
use datafusion::common::DFSchema;
use datafusion::error::DataFusionError;
use datafusion::prelude::SessionContext;

use super::evaluation::Evaluation;
use crate::features::{Kind, compile};
use crate::project::model::Expression;
use crate::project::problems::Problem;
use crate::sources::cell::instant_type;

/// What happened to an enrollment so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Facts {
    /// A message was accepted and has not come back.
    pub reached: bool,
    /// A person followed a link.
    pub clicked: bool,
    /// Roles of the links that were followed: `pay` is `clicked_pay`.
    pub roles: Vec<String>,
    /// The user was active again.
    pub recalled: bool,
    /// The goal was reached.
    pub converted: bool,
    /// A message came back.
    pub bounced: bool,
}

/// Facts with fixed names, in the order of [`Facts::fixed`].
const FIXED: [&str; 5] = ["reached", "clicked", "recalled", "converted", "bounced"];

impl Facts {
    fn fixed(&self) -> [bool; 5] {
        [self.reached, self.clicked, self.recalled, self.converted, self.bounced]
    }
}

/// A condition over facts and kept values.
#[derive(Debug, Clone)]
pub struct Condition {
    expr: datafusion::logical_expr::Expr,
    values: SchemaRef,
    roles: Vec<String>,
}

impl Condition {
    /// Translates a stage's `when`.
    pub fn compile(when: &Expression, evaluation: &Evaluation) -> Result<Condition, Vec<Problem>> {
        let mut scope = evaluation.scope.clone();
        for name in FIXED {
            scope.add(name, Kind::Bool);
        }
        let roles = roles(&when.text);
        for role in &roles {
            scope.add(&format!("clicked_{role}"), Kind::Bool);
        }
        let typed = compile(when, &scope, Some(Kind::Bool))?;
        let mut fields = Vec::new();
        for column in typed.expr.column_refs() {
            let name = column.name.as_str();
            let fact = FIXED.contains(&name) || name.starts_with("clicked_");
            if let (false, Some((kind, _))) = (fact, evaluation.scope.find(name, true)) {
                fields.push(Field::new(name, data_type(kind), true));
            }
        }
        fields.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(Condition { expr: typed.expr, values: Arc::new(Schema::new(fields)), roles })
    }

    /// Whether the condition holds, for each enrollment; unknown counts as no.
    ///
    /// `profiles` are JSON objects as kept with the enrollments; values they lack are NULL.
    pub fn holds(&self, profiles: &[&str], facts: &[Facts]) -> Result<Vec<bool>, DataFusionError> {
        let mut columns: Vec<ArrayRef> = self.decode(profiles)?;
        let mut fields: Vec<Field> = self.values.fields().iter().map(|field| field.as_ref().clone()).collect();
        for (index, name) in FIXED.iter().enumerate() {
            fields.push(Field::new(*name, DataType::Boolean, false));
            columns.push(Arc::new(BooleanArray::from_iter(facts.iter().map(|fact| Some(fact.fixed()[index])))));
        }
        for role in &self.roles {
            fields.push(Field::new(format!("clicked_{role}"), DataType::Boolean, false));
            columns.push(Arc::new(BooleanArray::from_iter(facts.iter().map(|fact| Some(fact.roles.contains(role))))));
        }
        let schema = Arc::new(Schema::new(fields));
        let batch = RecordBatch::try_new(Arc::clone(&schema), columns)?;
        let context = SessionContext::new();
        let physical = context.create_physical_expr(self.expr.clone(), &DFSchema::try_from(schema)?)?;
        let answers = physical.evaluate(&batch)?.into_array(batch.num_rows())?;
        let answers = datafusion::arrow::compute::cast(&answers, &DataType::Boolean)?;
        let answers = answers.as_boolean();
        Ok((0..answers.len()).map(|row| answers.is_valid(row) && answers.value(row)).collect())
    }

    fn decode(&self, profiles: &[&str]) -> Result<Vec<ArrayRef>, DataFusionError> {
        if self.values.fields().is_empty() || profiles.is_empty() {
            let empty = RecordBatch::new_empty(Arc::clone(&self.values));
            return Ok(empty.columns().to_vec());
        }
        let mut decoder =
            ReaderBuilder::new(Arc::clone(&self.values)).with_batch_size(profiles.len()).build_decoder()?;
        for profile in profiles {
            let mut rest = profile.as_bytes();
            while !rest.is_empty() {
                let read = decoder.decode(rest)?;
                if read == 0 {
                    break;
                }
                rest = &rest[read..];
            }
            decoder.decode(b"\n")?;
        }
        let batch = decoder.flush()?.unwrap_or_else(|| RecordBatch::new_empty(Arc::clone(&self.values)));
        Ok(batch.columns().to_vec())
    }
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Bool => DataType::Boolean,
        Kind::Int => DataType::Int64,
        Kind::Float => DataType::Float64,
        Kind::Date => DataType::Date32,
        Kind::Time => instant_type(),
        Kind::Text | Kind::Null => DataType::Utf8,
    }
}

/// The roles asked for as `clicked_ROLE`; any role is known, because templates name them freely.
fn roles(text: &str) -> Vec<String> {
    let mut roles: Vec<String> = text
        .split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter_map(|word| word.strip_prefix("clicked_"))
        .filter(|role| !role.is_empty())
        .map(str::to_owned)
        .collect();
    roles.sort();
    roles.dedup();
    roles
}
