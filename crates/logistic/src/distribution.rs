//! The normal and the chi-squared distribution: tails with a relative error below 1e-12 down to 1e-300, and quantiles.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

/// P(|Z| ≥ |z|) of a standard normal Z, `erfc(|z|/√2)`.
pub fn normal_two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() * FRAC_1_SQRT_2)
}

/// The z with P(Z ≤ z) = p of a standard normal Z; infinite at 0 and 1, absent outside.
///
/// Newton's method for the logarithm of the tail, which is concave, from `√(−2·ln 2q) ≥ z`: it falls monotonically to
/// the root.
pub fn normal_quantile(p: f64) -> Option<f64> {
    if !(0.0..=1.0).contains(&p) {
        return None;
    }
    let q = p.min(1.0 - p);
    if q == 0.0 {
        return Some(if p == 0.0 { f64::NEG_INFINITY } else { f64::INFINITY });
    }
    let mut z = (-2.0 * (2.0 * q).ln()).max(0.0).sqrt();
    for _ in 0..MOST_STEPS {
        let tail = 0.5 * libm::erfc(z * FRAC_1_SQRT_2);
        let density = (-0.5 * z * z).exp() / (2.0 * PI).sqrt();
        let step = (tail / q).ln() * tail / density;
        z += step;
        if step.abs() <= f64::EPSILON * z.abs() {
            break;
        }
    }
    Some(if p < 0.5 { -z } else { z })
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

/// The x with P(X ≥ x) = q of a chi-squared X with `df` degrees of freedom, by Newton's method in ln x on the logarithm
/// of the tail, kept within a bracket. Absent where `df` is 0 or q is not in (0, 1].
pub fn chi_squared_quantile(q: f64, df: usize) -> Option<f64> {
    if df == 0 || !(q > 0.0 && q <= 1.0) {
        return None;
    }
    if q == 1.0 {
        return Some(0.0);
    }
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut x = df as f64;
    for _ in 0..40 * MOST_STEPS {
        let tail = chi_squared_tail(x, df)?;
        if tail > q {
            low = x;
        } else {
            high = x;
        }
        // x times the density, over the tail: the slope of −ln tail in ln x.
        let slope = 0.5 * df as f64 * power_over_factorial(0.5 * df as f64, 0.5 * x) / tail;
        let step = (tail / q).ln() / slope;
        let new = x * step.exp();
        let inside = new > low && new < high && tail > 0.0;
        let new = match () {
            () if inside => new,
            () if high.is_finite() => 0.5 * (low + high),
            () => 2.0 * x,
        };
        let still = (new - x).abs() <= 2.0 * f64::EPSILON * x;
        x = new;
        if still {
            break;
        }
    }
    Some(x)
}

/// Newton's steps double the digits; a handful is enough.
const MOST_STEPS: usize = 50;

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

    /// mpmath 1.3: roots of the same function.
    #[test]
    fn chi_squared_quantiles() {
        for (q, df, expected) in [
            (0.05, 1, 3.841458820694126),
            (1e-300, 1, 1373.8726312223941),
            (0.999, 1, 1.5707971492624927e-06),
            (0.05, 2, 5.991464547107982),
            (0.5, 3, 2.365973884375338),
            (1e-10, 10, 68.16761813861793),
            (0.975, 10, 3.2469727802368418),
            (1e-300, 49, 1589.0850600709546),
            (0.1, 1000, 1057.723901381614),
            (0.9, 7, 2.8331069178153436),
        ] {
            close(chi_squared_quantile(q, df), expected, &format!("quantile {q} {df}"));
        }
        assert_eq!(chi_squared_quantile(1.0, 2), Some(0.0));
        assert_eq!((chi_squared_quantile(0.0, 2), chi_squared_quantile(0.5, 0)), (None, None));
    }

    /// mpmath 1.3: `erfc(z/sqrt(2))`, and roots of it.
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
        for (p, expected) in [
            (0.975, 1.9599639845400538),
            (0.025, -1.9599639845400543),
            (0.6, 0.2533471031357997),
            (0.4999, -0.00025066283008800747),
            (1e-10, -6.361340902404057),
            (1e-300, -37.0470962993612),
            (0.9999, 3.7190164854557084),
            (0.05, -1.6448536269514726),
        ] {
            close(normal_quantile(p), expected, &format!("normal quantile {p}"));
        }
        assert_eq!(normal_quantile(0.5), Some(0.0));
        assert_eq!((normal_quantile(0.0), normal_quantile(1.0)), (Some(f64::NEG_INFINITY), Some(f64::INFINITY)));
        assert_eq!((normal_quantile(1.5), normal_quantile(f64::NAN)), (None, None));
    }
}
