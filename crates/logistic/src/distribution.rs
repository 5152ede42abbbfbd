//! The normal and the chi-squared distribution: tails with a relative error below 1e-12 down to 1e-300; the quantiles of a sample.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// P(|Z| ≥ |z|) of a standard normal Z, `erfc(|z|/√2)`.
pub fn normal_two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() * FRAC_1_SQRT_2)
}

/// The 97.5 % quantile of the standard normal distribution, half the width of a 95 % interval in standard errors.
pub(crate) const NORMAL_975: f64 = 1.959_963_984_540_054;

/// The quantile of sorted values, of which there must be some, linear between them (type 7 of Hyndman & Fan, The American
/// Statistician 50(4), 1996, the default of R and NumPy).
pub(crate) fn sample_quantile(sorted: &[f64], share: f64) -> f64 {
    let at = share * (sorted.len() - 1) as f64;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

/// P(X ≥ x) of a chi-squared X with `df` degrees of freedom: the regularised upper incomplete gamma function
/// Q(df/2, x/2) (Abramowitz & Stegun 1964, 26.4.19), by `erfc` for one degree, else by the series 6.5.29 below the mean
/// and the continued fraction 6.5.31 above it. Absent where `df` is 0 or `x` negative or no number.
pub fn chi_squared_tail(x: f64, df: usize) -> Option<f64> {
    if df == 0 || x.is_nan() || x < 0.0 {
        return None;
    }
    Some(match df {
        _ if x == 0.0 => 1.0,
        _ if x.is_infinite() => 0.0,
        1 => libm::erfc((0.5 * x).sqrt()),
        _ => upper_gamma(0.5 * df as f64, 0.5 * x),
    })
}

/// Q(a, x), x > 0.
fn upper_gamma(a: f64, x: f64) -> f64 {
    let leading = power_over_factorial(a, x);
    if leading == 0.0 {
        return if x < a { 1.0 } else { 0.0 };
    }
    if x < a + 1.0 {
        // 1 − xᵃ·e⁻ˣ/Γ(a + 1) · (1 + x/(a + 1) + x²/((a + 1)(a + 2)) + …).
        let (mut term, mut sum, mut k) = (1.0, 1.0, a);
        while term > 0.1 * f64::EPSILON * sum {
            k += 1.0;
            term *= x / k;
            sum += term;
        }
        return 1.0 - leading * sum;
    }
    // The even part of the fraction, by Lentz's method (Press et al., *Numerical Recipes*, 3rd ed. 2007, §5.2 and §6.2).
    let mut b = x + 1.0 - a;
    let (mut c, mut d) = (f64::INFINITY, 1.0 / b);
    let mut fraction = d;
    let mut k = 0.0;
    loop {
        k += 1.0;
        let numerator = -k * (k - a);
        b += 2.0;
        d = 1.0 / (numerator * d + b);
        c = b + numerator / c;
        fraction *= c * d;
        if (c * d - 1.0).abs() <= f64::EPSILON {
            return leading * a * fraction;
        }
        if !fraction.is_finite() {
            return 0.0;
        }
    }
}

/// `xᵃ·e⁻ˣ/Γ(a + 1)`. For large a by its deviance, as Loader's *Fast and Accurate Computation of Binomial
/// Probabilities* (2000) does for the Poisson: the powers themselves would cancel.
fn power_over_factorial(a: f64, x: f64) -> f64 {
    if a <= 15.0 {
        return (a * x.ln() - x - libm::lgamma(a + 1.0)).exp();
    }
    // ln Γ(a + 1) = (a + ½)·ln a − a + ½·ln 2π + 1/(12a) − 1/(360a³) + … (Abramowitz & Stegun, 6.1.41).
    let square = a * a;
    let rest = (1.0 / 12.0
        - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / (1188.0 * square)) / square) / square) / square)
        / a;
    (-a * excess((x - a) / a) - rest).exp() / (2.0 * PI * a).sqrt()
}

/// `δ − ln(1 + δ)`, without cancellation near 0.
fn excess(delta: f64) -> f64 {
    if delta.abs() > 0.5 {
        return delta - delta.ln_1p();
    }
    // With v = δ/(2 + δ): δ = 2v/(1 − v) and ln(1 + δ) = 2·(v + v³/3 + v⁵/5 + …).
    let v = delta / (2.0 + delta);
    let square = v * v;
    let tail = (1..30).rev().fold(0.0, |sum, k| square * (sum + 1.0 / f64::from(2 * k + 1)));
    2.0 * (square / (1.0 - v) - v * tail)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELATIVE: f64 = 1e-12;

    fn close(found: Option<f64>, expected: f64, what: &str) {
        let found = found.unwrap();
        assert!((found - expected).abs() <= RELATIVE * expected.abs(), "{what}: {found:e} against {expected:e}");
    }

    /// mpmath 1.3: `gammainc(df/2, x/2, inf, regularized=True)` with 60 digits.
    #[test]
    fn chi_squared_tails() {
        for (x, df, expected) in [
            (1e-08, 1, 0.9999202115440526),
            (0.5, 1, 0.4795001221869535),
            (3.841, 1, 0.0500136837639567),
            (50.0, 1, 1.537459794428035e-12),
            (600.0, 1, 1.674167984691788e-132),
            (1360.0, 1, 1.0341991197827859e-297),
            (0.01, 2, 0.9950124791926823),
            (2.0, 2, 0.36787944117144233),
            (30.0, 2, 3.059023205018258e-07),
            (1370.0, 2, 3.223145390850647e-298),
            (0.1, 3, 0.9918374237318764),
            (2.5, 3, 0.4752910833430206),
            (7.8, 3, 0.05033109785985335),
            (200.0, 3, 4.2185411071920426e-43),
            (1380.0, 3, 6.441714254784624e-299),
            (0.5, 10, 0.999993388289439),
            (9.0, 10, 0.5321035763747155),
            (11.9, 10, 0.291804899212227),
            (12.1, 10, 0.27841963752277726),
            (400.0, 10, 9.413291991183476e-80),
            (1410.0, 10, 6.877063879856873e-297),
            (5.0, 31, 0.999999972599214),
            (31.0, 31, 0.46621250621750837),
            (33.0, 31, 0.36953479455512817),
            (300.0, 31, 8.474810864884982e-46),
            (40.0, 100, 0.9999999875410739),
            (99.0, 100, 0.5094721987983741),
            (110.0, 100, 0.23220478050085633),
            (1000.0, 100, 2.306076738035398e-148),
            (1600.0, 100, 1.1458595769084505e-268),
            (700.0, 1001, 0.9999999999999759),
            (1000.0, 1001, 0.5029742172681295),
            (1010.0, 1001, 0.414714039116707),
            (1500.0, 1001, 1.2832548121592172e-22),
            (3600.0, 1001, 4.816905108947541e-289),
            (19000.0, 20000, 0.9999998137545348),
            (20001.0, 20000, 0.4966755550569483),
            (21000.0, 20000, 4.2758724550596475e-07),
            (27000.0, 20000, 2.3086561643555273e-219),
        ] {
            close(chi_squared_tail(x, df), expected, &format!("tail {x} {df}"));
        }
        assert_eq!(chi_squared_tail(0.0, 3), Some(1.0));
        assert_eq!(chi_squared_tail(f64::INFINITY, 3), Some(0.0));
        assert_eq!(
            (chi_squared_tail(1.0, 0), chi_squared_tail(-1.0, 1), chi_squared_tail(f64::NAN, 1)),
            (None, None, None)
        );
    }

    /// mpmath 1.3: `erfc(z/sqrt(2))`.
    #[test]
    fn normal() {
        for (z, expected) in [
            (0.0, 1.0),
            (0.3, 0.7641771556220948),
            (1.0, 0.3173105078629141),
            (1.959963984540054, 0.050000000000000024),
            (5.0, 5.733031437583878e-07),
            (12.0, 3.552964224155358e-33),
            (30.0, 9.813427854296374e-198),
            (37.0, 1.1451142445049154e-299),
        ] {
            close(Some(normal_two_sided(z)), expected, &format!("normal {z}"));
            assert_eq!(normal_two_sided(-z), normal_two_sided(z));
        }
    }

    #[test]
    fn quantiles_of_samples_are_those_of_numpy() {
        let sorted = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(sample_quantile(&sorted, 0.0), 1.0);
        assert_eq!(sample_quantile(&sorted, 0.5), 3.0);
        assert!((sample_quantile(&sorted, 0.9) - 6.8).abs() < 1e-15);
        assert_eq!(sample_quantile(&sorted, 1.0), 8.0);
    }
}
