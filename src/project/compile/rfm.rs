//! The score dimensions.

use super::sources::column;
use crate::project::model::{Dimension, Rfm, Ties};
use crate::project::problems::{Place, Problems};
use crate::project::reader::Required;
use crate::project::spec::project::{DimensionSpec, RfmSpec};

const DEFAULT_BINS: u32 = 5;

/// Makes the scores.
pub fn compile(spec: RfmSpec, problems: &mut Problems) -> Option<Rfm> {
    let bins = match &spec.bins {
        None => Some(DEFAULT_BINS),
        Some(count) => match u32::try_from(count.value) {
            Ok(bins @ 2..=10) => Some(bins),
            Ok(_) | Err(_) => {
                problems.push(count.place.clone(), "`bins` is a whole number from 2 to 10", None);
                None
            }
        },
    };
    let mut dimension = |spec: Required<DimensionSpec>| spec.0.and_then(|spec| self::dimension(spec, bins, problems));
    let (r, f, m) = (dimension(spec.r), dimension(spec.f), dimension(spec.m));
    let ties = spec.ties.unwrap_or(Ties::Share);
    Some(Rfm { r: r?, f: f?, m: m?, bins: bins?, ties, over: spec.over.map(|sql| sql.0) })
}

fn dimension(spec: DimensionSpec, bins: Option<u32>, problems: &mut Problems) -> Option<Dimension> {
    let numbers = spec.thresholds.unwrap_or_default();
    if let Some(pair) = numbers.windows(2).find(|pair| pair[0].value >= pair[1].value) {
        problems.push(pair[1].place.clone(), "`thresholds` rise from one to the next", None);
    }
    if let (Some(last), Some(bins)) = (numbers.last(), bins) {
        let wanted = bins as usize - 1;
        if numbers.len() != wanted {
            let place = Place { span: numbers[0].place.span.start..last.place.span.end, ..last.place.clone() };
            let message = format!("{bins} scores need {wanted} thresholds, here are {}", numbers.len());
            problems.push(place, message, Some("lower bounds of the scores 2, 3 and so on".to_owned()));
        }
    }
    Some(Dimension { of: column(spec.of.0?), thresholds: numbers.iter().map(|number| number.value).collect() })
}
