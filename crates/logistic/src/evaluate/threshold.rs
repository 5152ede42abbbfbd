//! From which probability on a row is called positive.

use std::fmt;
use std::str::FromStr;

use super::curves::{Steps, one_class};
use super::predictions::Predictions;
use crate::error::{Error, Result, quoted};

/// How the threshold is found. Rows with a probability of at least the threshold are called positive.
///
/// As text, which `FromStr` reads and `Display` writes: `0.5`, `f1`, `youden`, `cost:FP,FN`, `precision:X`, `recall:X`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// This number, from 0 to 1.
    Fixed(f64),
    /// The highest F1.
    F1,
    /// The highest J = recall − false positive rate (W. J. Youden, Cancer 3 (1950) 32–35,
    /// doi:10.1002/1097-0142(1950)3:1<32::AID-CNCR2820030106>3.0.CO;2-3).
    Youden,
    /// The lowest cost of all rows, FP·false_positive + FN·false_negative; right calls cost nothing. For calibrated
    /// probabilities it is near false_positive/(false_positive + false_negative) (C. Elkan, IJCAI 2001, 973–978).
    Cost {
        /// What a negative row called positive costs; finite, not negative.
        false_positive: f64,
        /// What a positive row called negative costs; finite, not negative, and not 0 where the other is 0.
        false_negative: f64,
    },
    /// The highest recall at a precision of at least this, above 0 and up to 1.
    Precision(f64),
    /// The highest precision at a recall of at least this, above 0 and up to 1.
    Recall(f64),
}

/// Something that can be called positive: every row from one probability up.
#[derive(Clone, Copy)]
struct Call {
    true_positive: f64,
    false_positive: f64,
    /// The lowest probability called positive, and the highest that is not.
    gap: (f64, f64),
}

impl Threshold {
    /// The threshold for these rows.
    ///
    /// It lies in the middle of the gap between two neighbouring probabilities, 0 and 1 standing at the ends, so that
    /// rounding elsewhere does not move a row across. Where thresholds are equally good, the highest is taken; with a
    /// floor under precision or recall, first the one that exceeds the floor by most. On the rows on which it was
    /// chosen a threshold looks better than it is.
    ///
    /// # Shapes
    /// `probability`, `y` and `weight` have one entry per row; rows of weight 0 are left out.
    ///
    /// # Errors
    /// Those of [`check`](Self::check); [`Error::Target`] where the rule needs a class that no row has;
    /// [`Error::Setting`] for a precision that no threshold reaches; otherwise those of
    /// [`ConfusionMatrix::at`](super::ConfusionMatrix::at).
    ///
    /// # Examples
    /// ```
    /// use logistic::evaluate::Threshold;
    ///
    /// let (p, y) = ([0.1, 0.4, 0.6, 0.8], [0.0, 1.0, 0.0, 1.0]);
    /// assert_eq!(Threshold::F1.choose(&p, &y, None)?, 0.25);
    /// assert!((Threshold::Precision(0.9).choose(&p, &y, None)? - 0.7).abs() < 1e-15);
    /// # Ok::<(), logistic::Error>(())
    /// ```
    pub fn choose(self, probability: &[f64], y: &[f64], weight: Option<&[f64]>) -> Result<f64> {
        self.check()?;
        let rows = Predictions::of_probabilities(probability, y, weight)?;
        if let Threshold::Fixed(threshold) = self {
            return Ok(threshold);
        }
        let steps = Steps::of(&rows);
        let totals = steps.totals();
        self.possible(totals)?;
        let best = self.best(&steps, totals);
        match (best, self) {
            (Some(call), _) => Ok(middle(call.gap)),
            (None, Threshold::Precision(floor)) => {
                let precisions = calls(&steps).map(|call| precision(&call)).filter(|share| share.is_finite());
                let highest = precisions.fold(0.0, f64::max);
                let expected = format!("at most {highest}, the highest that any threshold reaches");
                Err(Error::Setting { name: "precision", expected, found: floor.to_string() })
            }
            // Unreachable: every other rule takes some call, and calling all rows positive finds all.
            (None, _) => Err(one_class("a threshold needs rows of both classes")),
        }
    }

    /// Whether the rule's numbers are ones it can have.
    ///
    /// # Errors
    /// [`Error::Setting`] where one is not.
    pub fn check(self) -> Result<()> {
        let wrong =
            |name, expected: &str, found: String| Err(Error::Setting { name, expected: expected.to_string(), found });
        let share = |name, floor: f64| {
            if floor > 0.0 && floor <= 1.0 { Ok(()) } else { wrong(name, "above 0 and up to 1", floor.to_string()) }
        };
        match self {
            Threshold::Fixed(threshold) if !(0.0..=1.0).contains(&threshold) => {
                wrong("threshold", "from 0 to 1", threshold.to_string())
            }
            Threshold::Fixed(_) | Threshold::F1 | Threshold::Youden => Ok(()),
            Threshold::Cost { false_positive, false_negative } => {
                let sound = |cost: f64| cost.is_finite() && cost >= 0.0;
                if sound(false_positive) && sound(false_negative) && false_positive.max(false_negative) > 0.0 {
                    return Ok(());
                }
                let found = format!("{false_positive},{false_negative}");
                wrong("cost", "two finite numbers, neither negative nor both 0", found)
            }
            Threshold::Precision(floor) => share("precision", floor),
            Threshold::Recall(floor) => share("recall", floor),
        }
    }

    /// Whether the rows have the classes that the rule weighs.
    fn possible(self, (positives, negatives): (f64, f64)) -> Result<()> {
        match self {
            Threshold::Youden if positives == 0.0 || negatives == 0.0 => {
                Err(one_class("Youden's threshold needs rows of both classes"))
            }
            Threshold::F1 | Threshold::Precision(_) | Threshold::Recall(_) if positives == 0.0 => {
                Err(one_class("a threshold by F1, precision or recall needs positive rows"))
            }
            _ => Ok(()),
        }
    }

    /// The best call, the first of equals: calls come with thresholds falling.
    fn best(self, steps: &Steps, totals: (f64, f64)) -> Option<Call> {
        let mut best: Option<([f64; 2], Call)> = None;
        for call in calls(steps) {
            if let Some(merit) = self.merit(&call, totals)
                && best.is_none_or(|(highest, _)| merit > highest)
            {
                best = Some((merit, call));
            }
        }
        best.map(|(_, call)| call)
    }

    /// What the rule makes as high as it can, the second to settle ties of the first; absent where the call is not
    /// allowed.
    fn merit(self, call: &Call, (positives, negatives): (f64, f64)) -> Option<[f64; 2]> {
        let (tp, fp) = (call.true_positive, call.false_positive);
        let recall = tp / positives;
        match self {
            Threshold::Fixed(_) => None,
            Threshold::F1 => Some([2.0 * tp / (tp + fp + positives), 0.0]),
            Threshold::Youden => Some([recall - fp / negatives, 0.0]),
            Threshold::Cost { false_positive, false_negative } => {
                // Costs as shares of the dearer one: no product overflows.
                let dearer = false_positive.max(false_negative);
                Some([-(fp * (false_positive / dearer) + (positives - tp) * (false_negative / dearer)), 0.0])
            }
            Threshold::Precision(floor) => (precision(call) >= floor).then(|| [recall, precision(call)]),
            Threshold::Recall(floor) => (recall >= floor).then(|| [precision(call), recall]),
        }
    }
}

/// Not a number where nothing is called positive.
fn precision(call: &Call) -> f64 {
    call.true_positive / (call.true_positive + call.false_positive)
}

/// Everything that a threshold from 0 to 1 can call, from as few rows as possible to all.
fn calls(steps: &Steps) -> impl Iterator<Item = Call> {
    let highest = steps.threshold.first().copied().unwrap_or(1.0);
    let none = Call { true_positive: 0.0, false_positive: 0.0, gap: (1.0, highest) };
    // A row of probability 1 is called positive at every threshold.
    let none = (highest < 1.0).then_some(none);
    let below = steps.threshold.iter().skip(1).copied().chain([0.0]);
    let counts = steps.true_positive.iter().zip(&steps.false_positive);
    let some = steps.threshold.iter().zip(below).zip(counts);
    none.into_iter().chain(some.map(|((&lowest, below), (&true_positive, &false_positive))| Call {
        true_positive,
        false_positive,
        gap: (lowest, below),
    }))
}

/// The middle of the gap; its upper end, which is called positive too, where no number lies between.
fn middle((upper, lower): (f64, f64)) -> f64 {
    let middle = lower + (upper - lower) / 2.0;
    if middle > lower { middle } else { upper }
}

impl FromStr for Threshold {
    type Err = Error;

    /// Reads the words; [`check`](Threshold::check) looks at the numbers.
    fn from_str(text: &str) -> Result<Self> {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| !number.is_nan());
        let rule = match text.split_once(':') {
            None if text == "f1" => Some(Threshold::F1),
            None if text == "youden" => Some(Threshold::Youden),
            None => number(text).map(Threshold::Fixed),
            Some(("precision", floor)) => number(floor).map(Threshold::Precision),
            Some(("recall", floor)) => number(floor).map(Threshold::Recall),
            Some(("cost", costs)) => costs.split_once(',').and_then(|(false_positive, false_negative)| {
                let (false_positive, false_negative) = (number(false_positive)?, number(false_negative)?);
                Some(Threshold::Cost { false_positive, false_negative })
            }),
            Some(_) => None,
        };
        rule.ok_or_else(|| {
            let expected = "a number, f1, youden, cost:FP,FN, precision:X or recall:X".to_string();
            Error::Setting { name: "threshold", expected, found: quoted(text) }
        })
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Threshold::Fixed(threshold) => write!(f, "{threshold}"),
            Threshold::F1 => f.write_str("f1"),
            Threshold::Youden => f.write_str("youden"),
            Threshold::Cost { false_positive, false_negative } => write!(f, "cost:{false_positive},{false_negative}"),
            Threshold::Precision(floor) => write!(f, "precision:{floor}"),
            Threshold::Recall(floor) => write!(f, "recall:{floor}"),
        }
    }
}
