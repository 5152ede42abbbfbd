//! `logistic blobs`.

use std::fmt::Write;

use logistic::Error;
use logistic::table::{
    BlobData, Blobs, Centers, Circles, ClusterStd, Moons, Points, Samples, make_blobs, make_circles, make_moons,
};

use crate::Outcome;
use crate::args::{BlobsArgs, ShapeName};
use crate::output::print;

pub(crate) fn run(args: &BlobsArgs) -> Outcome {
    refuse_others(args)?;
    let (noise, random_state, shuffle) = (args.noise.unwrap_or(0.0), args.seed, !args.no_shuffle);
    let n_samples = match args.n_samples[..] {
        [total] => Samples::Total(total),
        _ => Samples::PerCenter(args.n_samples.clone()),
    };
    match args.shape {
        ShapeName::Blobs => {
            let blobs = blobs(args, n_samples)?;
            print(&csv(blobs.n_features, &blobs.x, &blobs.y))
        }
        ShapeName::Moons => plane(&make_moons(&Moons { n_samples, shuffle, noise, random_state })?),
        ShapeName::Circles => {
            let factor = args.factor.unwrap_or(Circles::default().factor);
            plane(&make_circles(&Circles { n_samples, shuffle, noise, factor, random_state })?)
        }
    }
}

/// Refuses what another shape has.
fn refuse_others(args: &BlobsArgs) -> Outcome {
    let blobs = args.shape == ShapeName::Blobs;
    let others = [
        ("noise", blobs && args.noise.is_some(), "`--shape moons` or `circles`"),
        ("factor", args.shape != ShapeName::Circles && args.factor.is_some(), "`--shape circles`"),
        ("n-features", !blobs && args.n_features != 2, "`--shape blobs`"),
        ("centers", !blobs && args.centers.is_some(), "`--shape blobs`"),
        ("cluster-std", !blobs && args.cluster_std != [1.0], "`--shape blobs`"),
        ("center-box", !blobs && args.center_box != [-10.0, 10.0], "`--shape blobs`"),
    ];
    match others.into_iter().find(|(_, asked, _)| *asked) {
        Some((name, _, of)) => Err(setting(name, &format!("given with {of}"), "another shape")),
        None => Ok(()),
    }
}

fn blobs(args: &BlobsArgs, n_samples: Samples) -> Result<BlobData, Error> {
    make_blobs(&Blobs {
        n_samples,
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
    })
}

fn plane(points: &Points) -> Outcome {
    print(&csv(2, points.x.as_flattened(), &points.y))
}

fn csv(n_features: usize, x: &[f64], y: &[usize]) -> String {
    let mut text = (0..n_features).fold(String::new(), |mut text, j| {
        let _ = write!(text, "x{j},");
        text
    });
    text.push_str("label\n");
    for (x, y) in x.chunks(n_features).zip(y) {
        for x in x {
            let _ = write!(text, "{x},");
        }
        let _ = writeln!(text, "{y}");
    }
    text
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
