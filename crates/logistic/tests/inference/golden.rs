//! Against R, statsmodels and 80-bit arithmetic.

use logistic::model::{Covariance, Inference, LikelihoodRatio};
use serde_json::Value;

use crate::cases::{Case, all, close, clusters, fits, group};

/// Standard errors, relative.
const STANDARD_ERROR: f64 = 1e-7;

/// Coefficients and ends of intervals by profile, in standard errors.
const ESTIMATE: f64 = 1e-7;

/// Firth's coefficients, absolute.
const FIRTH: f64 = 1e-6;

/// Chi-squared statistics, relative, and at least so many nats.
const CHI2: f64 = 1e-9;

/// p-values, relative to p, which follow chi2 e-fold.
const P_VALUE: f64 = 1e-6;

/// A test, or 0 degrees of freedom where there is none.
fn close_test(found: Option<LikelihoodRatio>, expected: &Value, what: &str) {
    let Some(found) = found else {
        assert_eq!(expected["df"], 0, "{what}");
        return;
    };
    let chi2 = expected["chi2"].as_f64().unwrap();
    close(found.chi2, chi2, CHI2 * chi2.max(1.0), what);
    assert_eq!(found.df as u64, expected["df"].as_u64().unwrap(), "{what}");
    let p_value = expected["p_value"].as_f64().unwrap();
    close(found.p_value, p_value, P_VALUE * p_value, what);
}

#[test]
fn golden_sandwiches() {
    let mut compared = 0;
    for case in &fits("mle") {
        let reference = &case["reference"];
        for (covariance, key) in [(Covariance::Hc0, "se_HC0"), (Covariance::Hc1, "se_HC1")] {
            let mut case = Case::read(case);
            case.settings.covariance = covariance;
            let fit = case.fit();
            for (term, (_, inference)) in case.terms.iter().zip(all(&fit)) {
                let Some(expected) = reference[key][term].as_f64() else { continue };
                let what = format!("{} {key} {term}", case.id);
                close(inference.unwrap().std_error, expected, STANDARD_ERROR * expected, &what);
                compared += 1;
            }
        }
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn golden_covariances() {
    let mut compared = 0;
    for value in &group("covariance") {
        let mut case = Case::read(value);
        let reference = &value["reference"];
        for key in ["model", "hc0", "hc1", "sampling", "cluster"] {
            let Some(expected) = reference[key].as_object() else { continue };
            case.settings.covariance = match key {
                "hc0" => Covariance::Hc0,
                "hc1" => Covariance::Hc1,
                "cluster" => Covariance::Cluster(clusters(value, &case.data)),
                _ => Covariance::Information,
            };
            let fit = case.fit();
            let n_clusters = fit.facts.n_clusters.map(|n| n as u64);
            assert_eq!(n_clusters, reference["clusters"].as_u64().filter(|_| key == "cluster"));
            assert_eq!(fit.facts.covariance, if key == "model" { "information" } else { key });
            for (at, (_, inference)) in all(&fit).iter().enumerate() {
                let inference = inference.unwrap();
                let of = |key: &str| expected[key][at].as_f64().unwrap();
                let what = format!("{} {key} {at}", case.id);
                close(inference.std_error, of("se"), STANDARD_ERROR * of("se"), &what);
                close(inference.p_value, of("p_value"), P_VALUE * of("p_value").max(1e-2), &what);
                close(inference.ci_low, of("ci_low"), 2.0 * ESTIMATE * of("se"), &what);
                compared += 1;
            }
        }
    }
    assert!(compared > 300, "{compared}");
}

#[test]
fn golden_likelihood_ratios() {
    let cases = group("likelihood_ratio");
    assert_eq!(cases.len(), 7);
    for value in &cases {
        let case = Case::read(value);
        let fit = case.fit();
        let reference = &value["reference"];
        close_test(fit.facts.lr_test, &reference["whole"], &case.id);
        let groups: Vec<Vec<usize>> = case.columns.iter().map(|(_, group)| group.clone()).collect();
        let tests = case.settings.column_tests(&case.data.rows(), &fit, &groups).unwrap();
        let expected = reference["drop1"].as_array().unwrap();
        assert_eq!(expected.len(), tests.len());
        for ((found, (name, _)), expected) in tests.into_iter().zip(&case.columns).zip(expected) {
            assert_eq!(expected["column"].as_str(), Some(name.as_str()));
            close_test(found, expected, &format!("{} {name}", case.id));
        }
    }
    for value in &fits("mle") {
        let fit = Case::read(value).fit();
        let reference = &value["reference"];
        let expected = serde_json::json!({
            "chi2": reference["lr_chi2"], "df": reference["lr_df"], "p_value": reference["lr_p_value"],
        });
        close_test(fit.facts.lr_test, &expected, value["id"].as_str().unwrap());
    }
}

/// Compares intervals by profile, whose golden ends stand in design order.
fn close_profiles(found: &[(Option<f64>, Option<Inference>)], reference: &Value, what: &str) {
    for (at, (_, inference)) in found.iter().enumerate() {
        let inference = inference.unwrap();
        let profile = inference.profile.unwrap();
        for (end, key) in [(profile.low, "profile_ci_low"), (profile.high, "profile_ci_high")] {
            let expected = reference[key][at].as_f64().unwrap();
            close(end.unwrap(), expected, ESTIMATE * inference.std_error, &format!("{what} {key} {at}"));
        }
    }
}

#[test]
fn golden_profiles() {
    let cases = group("profile");
    assert_eq!(cases.len(), 8);
    for value in &cases {
        let case = Case::read(value);
        let mut fit = case.fit();
        case.settings.profile(&case.data.rows(), &mut fit).unwrap();
        close_profiles(&all(&fit), &value["reference"], &case.id);
    }
}

/// The golden numbers of a Firth fit as a list in design order, whether they stand by name or by position.
fn in_order(reference: &Value, terms: &[String]) -> Value {
    let mut listed = reference.clone();
    for (_, values) in listed.as_object_mut().unwrap() {
        if let Some(by_name) = values.as_object() {
            *values = terms.iter().map(|term| by_name[term].clone()).collect();
        }
    }
    listed
}

#[test]
fn golden_firth() {
    let cases: Vec<Value> = fits("firth").into_iter().chain(group("firth")).collect();
    assert_eq!(cases.len(), 6);
    for value in &cases {
        let mut case = Case::read(value);
        case.settings.firth = true;
        let mut fit = case.fit();
        case.settings.profile(&case.data.rows(), &mut fit).unwrap();
        let reference = in_order(&value["reference"], &case.terms);
        let penalised = reference["penalized_loglik"].as_f64().unwrap();
        close(fit.facts.penalized_log_likelihood.unwrap(), penalised, 1e-10 * penalised.abs(), &case.id);
        let log_likelihood = reference["loglik"].as_f64().unwrap();
        close(fit.facts.log_likelihood, log_likelihood, 1e-7 * log_likelihood.abs(), &case.id);
        let found = all(&fit);
        for (at, (estimate, inference)) in found.iter().enumerate() {
            let inference = inference.unwrap();
            let of = |key: &str| reference[key][at].as_f64().unwrap();
            let what = format!("{} {at}", case.id);
            close(estimate.unwrap(), of("coef"), FIRTH * of("se").max(1e-3), &what);
            close(inference.std_error, of("se"), FIRTH * of("se"), &what);
            let test = inference.lr_test.unwrap();
            close(test.chi2, of("plr_chi2"), 1e-7 * of("plr_chi2").max(1e-3), &what);
            close(test.p_value, of("plr_p_value"), P_VALUE * of("plr_p_value"), &what);
        }
        if reference["profile_ci_low"].is_array() {
            close_profiles(&found, &reference, &case.id);
        }
    }
}
