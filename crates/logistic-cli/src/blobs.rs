//! `logistic blobs`.

use std::fmt::Write;

use logistic::Error;
use logistic::table::{Blobs, Centers, ClusterStd, Samples, make_blobs};

use crate::Outcome;
use crate::args::BlobsArgs;
use crate::output::print;

pub(crate) fn run(args: &BlobsArgs) -> Outcome {
    let blobs = make_blobs(&Blobs {
        n_samples: match args.n_samples[..] {
            [total] => Samples::Total(total),
            _ => Samples::PerCenter(args.n_samples.clone()),
        },
        n_features: args.n_features,
        centers: args.centers.as_deref().map_or(Ok(Centers::Unspecified), centers)?,
        cluster_std: match args.cluster_std[..] {
            [std] => ClusterStd::Common(std),
            _ => ClusterStd::PerCenter(args.cluster_std.clone()),
        },
        center_box: match args.center_box[..] {
            [low, high] => (low, high),
            _ => return Err(setting("center-box", "two numbers", &format!("{:?}", args.center_box))),
        },
        shuffle: !args.no_shuffle,
        random_state: args.seed,
    })?;
    let mut text = (0..blobs.n_features).fold(String::new(), |mut text, j| {
        let _ = write!(text, "x{j},");
        text
    });
    text.push_str("label\n");
    for (x, y) in blobs.x.chunks(blobs.n_features).zip(&blobs.y) {
        for x in x {
            let _ = write!(text, "{x},");
        }
        let _ = writeln!(text, "{y}");
    }
    print(&text)
}

/// `3`, or `0,0;3,-1`.
fn centers(typed: &str) -> Result<Centers, Error> {
    if let Ok(number) = typed.parse() {
        return Ok(Centers::Number(number));
    }
    let wrong = || setting("centers", "a number of centres, or coordinates such as `0,0;3,-1`", typed);
    let center = |center: &str| center.split(',').map(|c| c.trim().parse().map_err(|_| wrong())).collect();
    Ok(Centers::Given(typed.split(';').map(center).collect::<Result<_, _>>()?))
}

fn setting(name: &'static str, expected: &str, found: &str) -> Error {
    Error::Setting { name, expected: expected.to_string(), found: found.to_string() }
}
