//! The path of all rows and those of folds, side by side.

use std::collections::HashMap;

use super::certificate::{Centre, certify};
use super::lockstep::Lockstep;
use super::path::{Path, PathPoint, has_ended};
use super::settings::{LogisticRegression, Penalty};
use crate::dataset::{Fold, Rows, Standardisation};
use crate::error::Result;
use crate::loss::BceWithLogits;
use crate::objective::Group;
use crate::solver::{Certificate, Known};

impl LogisticRegression {
    /// The path of rows that can go [in lockstep](Self::goes_in_lockstep), and the mean loss of the rows held out, by fold
    /// and penalty; none where it turns out that they cannot.
    pub(super) fn side_by_side(
        &self,
        rows: &Rows<'_>,
        folds: &[Fold<'_>],
        l1_ratio: f64,
        n_values: usize,
    ) -> Result<Option<(Path, Vec<Vec<f64>>)>> {
        folds.iter().try_for_each(|fold| self.for_largest_penalty(&fold.train, l1_ratio).map(drop))?;
        let Some(groups) = groups(rows, folds)? else { return Ok(None) };
        let (standard, _) = self.columns(rows, 1)?;
        let trains: Vec<&Rows<'_>> = [rows].into_iter().chain(folds.iter().map(|fold| &fold.train)).collect();
        let held_out: Vec<f64> = folds.iter().map(|fold| fold.held_out.total_weight()).collect();
        let Some(mut lockstep) = Lockstep::new(&groups, &standard, &trains) else { return Ok(None) };
        let largest = self.largest_of(&lockstep.fits[0].gradient, &standard, l1_ratio)?;
        let null_loss = lockstep.fits[0].loss;
        let mut points: Vec<PathPoint> = Vec::new();
        let mut losses = vec![Vec::new(); folds.len()];
        for penalty in self.grid(largest, rows, l1_ratio, n_values) {
            if !lockstep.go_on(self, penalty.clone()) {
                return Ok(None);
            }
            let of_folds = lockstep.fits[1..].iter().zip(&held_out).map(|(fit, weight)| fit.held_out / weight);
            losses.iter_mut().zip(of_folds).for_each(|(losses, loss)| losses.push(loss));
            let certificate = self.certificate_of_first(&mut lockstep, rows, &standard, &penalty)?;
            let fit = &lockstep.fits[0];
            let explained = 1.0 - fit.loss / null_loss;
            points.push(PathPoint::of_two_classes((&penalty, certificate), (&standard, &fit.at), rows, explained));
            if has_ended(&points) {
                break;
            }
        }
        Ok(Some((Path { l1_ratio, points }, losses)))
    }

    fn certificate_of_first(
        &self,
        lockstep: &mut Lockstep,
        rows: &Rows<'_>,
        standard: &Standardisation,
        penalty: &Penalty,
    ) -> Result<Certificate> {
        if let Some(certificate) = lockstep.certificate() {
            return Ok(certificate);
        }
        let settings = LogisticRegression { penalty: penalty.clone(), ..self.clone() };
        let risk = settings.risk(rows, standard, BceWithLogits::default())?;
        let (fit, centre) = (&lockstep.fits[0], Centre { rows, standard, outputs: 1 });
        Ok(certify(&risk, &fit.penalty, &fit.at, &centre, (Known::default(), true)).certificate)
    }
}

/// The rows of a fit of all and of the folds, in groups of those that play the same part in each; none where there are so
/// many groups that little is shared.
fn groups<'a>(rows: &Rows<'a>, folds: &[Fold<'_>]) -> Result<Option<Vec<Group<'a>>>> {
    if folds.is_empty() {
        return Ok(Some(vec![Group { rows: rows.clone(), trains: vec![1.0], held_out: vec![0.0] }]));
    }
    let (data, k) = (rows.dataset(), folds.len() + 1);
    // How often each row is trained on in every fold, and how often held out.
    let mut parts = vec![vec![0_u32; 2 * k]; data.len()];
    rows.indices().for_each(|row| parts[row][0] += 1);
    for (at, fold) in (1..).zip(folds) {
        fold.train.indices().for_each(|row| parts[row][at] += 1);
        fold.held_out.indices().for_each(|row| parts[row][k + at] += 1);
    }
    let mut places: HashMap<&[u32], usize> = HashMap::new();
    let mut rows: Vec<(&[u32], Vec<usize>)> = Vec::new();
    for (row, part) in parts.iter().enumerate().filter(|(_, part)| part.iter().any(|&times| times > 0)) {
        let place = *places.entry(part).or_insert(rows.len());
        if place == rows.len() {
            rows.push((part, Vec::new()));
        }
        rows[place].1.push(row);
    }
    if rows.len() > 2 * k {
        return Ok(None);
    }
    let group = |(part, rows): (&[u32], Vec<usize>)| {
        let times: Vec<f64> = part.iter().map(|&times| f64::from(times)).collect();
        let (trains, held_out) = (times[..k].to_vec(), times[k..].to_vec());
        Ok(Group { rows: Rows::select(data, rows)?, trains, held_out })
    };
    rows.into_iter().map(group).collect::<Result<Vec<Group<'a>>>>().map(Some)
}
