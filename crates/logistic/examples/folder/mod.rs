//! A dataset as `bench/fits.py` writes it: a folder with `data.json` and a file of little-endian numbers for each array,
//! whose ending (`f64`, `f32`, `u32`, `u64`) is the type of the numbers.

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use logistic::dataset::{Dataset, Feature, Values};
use serde::Deserialize;

#[derive(Deserialize)]
struct Description {
    classes: usize,
    features: Vec<Described>,
    outcomes: String,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Described {
    Number { values: String },
    Matrix { values: String, n_columns: usize },
    Csr { starts: String, columns: String, values: String, n_columns: usize },
    Codes { codes: String, levels: usize },
}

/// Reads the dataset in a folder; with `as_columns` every column of a matrix becomes a feature of its own.
pub(crate) fn read(folder: &Path, as_columns: bool) -> Result<Dataset, Box<dyn Error>> {
    let description: Description = serde_json::from_slice(&std::fs::read(folder.join("data.json"))?)?;
    let mut features = Vec::new();
    for described in description.features {
        match feature(folder, described)? {
            Feature::Matrix { values, n_columns } if as_columns => features.extend(columns(&values, n_columns)),
            feature => features.push(feature),
        }
    }
    let outcomes = numbers(&folder.join(description.outcomes), f64::from_le_bytes)?;
    if description.classes == 2 {
        return Ok(Dataset::new(features, outcomes, None)?);
    }
    // `Dataset::new` takes outcomes of two classes only.
    let unknown = vec![0.0; outcomes.len()];
    Ok(Dataset::new(features, unknown, None)?.of_classes(outcomes, description.classes)?)
}

fn feature(folder: &Path, described: Described) -> Result<Feature, Box<dyn Error>> {
    Ok(match described {
        Described::Number { values } => Feature::number(numbers(&folder.join(values), f64::from_le_bytes)?),
        Described::Matrix { values, n_columns } => Feature::Matrix { values: either(&folder.join(values))?, n_columns },
        Described::Csr { starts, columns, values, n_columns } => Feature::Csr {
            starts: numbers(&folder.join(starts), |bytes| u64::from_le_bytes(bytes) as usize)?.into(),
            columns: numbers(&folder.join(columns), u32::from_le_bytes)?.into(),
            values: either(&folder.join(values))?,
            n_columns,
        },
        Described::Codes { codes, levels } => {
            Feature::Codes { codes: numbers(&folder.join(codes), u32::from_le_bytes)?.into(), levels }
        }
    })
}

fn columns(values: &Values, n_columns: usize) -> Vec<Feature> {
    let column = |j: usize| match values {
        Values::F64(values) => values.iter().skip(j).step_by(n_columns).copied().collect(),
        Values::F32(values) => values.iter().skip(j).step_by(n_columns).copied().collect(),
    };
    (0..n_columns).map(|j| Feature::Number(column(j))).collect()
}

fn either(path: &Path) -> Result<Values, Box<dyn Error>> {
    Ok(match path.extension().and_then(|ending| ending.to_str()) {
        Some("f32") => numbers(path, f32::from_le_bytes)?.into(),
        _ => numbers(path, f64::from_le_bytes)?.into(),
    })
}

/// The numbers of a file, piece by piece, so that the peak of memory is that of the numbers and not twice as much.
fn numbers<T, const N: usize>(path: &Path, of: impl Fn([u8; N]) -> T) -> Result<Vec<T>, Box<dyn Error>> {
    let mut file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let count = usize::try_from(file.metadata()?.len())? / N;
    let mut numbers = Vec::with_capacity(count);
    let mut piece = vec![0; N * 65_536];
    while numbers.len() < count {
        let bytes = piece.len().min((count - numbers.len()) * N);
        file.read_exact(&mut piece[..bytes])?;
        let (whole, _) = piece[..bytes].as_chunks::<N>();
        numbers.extend(whole.iter().map(|&bytes| of(bytes)));
    }
    Ok(numbers)
}
