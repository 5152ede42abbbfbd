//! What depends on how many classes there are, and what they weigh.

use logistic::Error;
use logistic::encode::Target;
use logistic::model::{ClassWeight, Model};

use crate::Outcome;
use crate::args::TrainArgs;

/// Refuses a flag that means nothing for more than two classes.
pub(crate) fn two(model: &Model, name: &'static str) -> Outcome {
    match model.encoder.target.classes.len() {
        2 => Ok(()),
        n => {
            Err(Error::Setting { name, expected: "a model of two classes".to_string(), found: format!("{n} classes") })
        }
    }
}

/// The weights of the classes, by the number of the class.
pub(crate) fn weights(args: &TrainArgs, target: &Target) -> Result<ClassWeight, Error> {
    let wrong = |name, expected: String, found: &str| Error::Setting { name, expected, found: format!("`{found}`") };
    if let Some(weight) = args.pos_weight {
        return match target.classes.len() {
            2 => Ok(ClassWeight::Given(vec![1.0, weight])),
            _ => Err(wrong("pos-weight", "two classes; `--class-weight CLASS=X` takes more".to_string(), "more")),
        };
    }
    match args.class_weight.as_slice() {
        [] => return Ok(ClassWeight::Equal),
        [only] if only == "balanced" => return Ok(ClassWeight::Balanced),
        _ => {}
    }
    let mut weights = vec![1.0; target.classes.len()];
    for typed in &args.class_weight {
        let cut = typed.rsplit_once('=').and_then(|(class, weight)| Some((class, weight.parse::<f64>().ok()?)));
        let Some((class, weight)) = cut else {
            return Err(wrong("class-weight", "`balanced`, or CLASS=X with a number X".to_string(), typed));
        };
        let Some(at) = target.classes.iter().position(|known| known == class) else {
            let classes = target.classes.iter().map(|class| format!("`{class}`")).collect::<Vec<_>>().join(", ");
            return Err(wrong("class-weight", format!("one of the classes {classes}"), class));
        };
        weights[at] = weight;
    }
    Ok(ClassWeight::Given(weights))
}
