//! Against arithmetic on paper, against the plain recurrence, and against the definition.

use fearless_simd::{Level, Simd};
use rayon::ThreadPoolBuilder;

use super::*;

/// Per unknown, of the largest entry: rounding in matrices whose condition is below 10.
const ROUNDING: f64 = 8.0 * f64::EPSILON;

/// A pivot that a repeated row leaves, over its diagonal entry, is rounding.
const TOLERANCE: f64 = 1e-9;

/// A diagonally dominant matrix, both triangles, in which the first row of each of `repeats` is the
/// second again, which must not be one of the first.
fn matrix(n: usize, repeats: &[(usize, usize)]) -> Vec<f64> {
    let source = |i: usize| repeats.iter().find(|(row, _)| *row == i).map_or(i, |(_, source)| *source);
    let entry = |i: usize, j: usize| {
        let (i, j) = (i.max(j), i.min(j));
        let noise = ((i * 7919 + j * 104_729 + i * j * 31) % 1009) as f64 / 1009.0 - 0.5;
        if i == j { n as f64 } else { noise }
    };
    (0..n * n).map(|at| entry(source(at / n), source(at % n))).collect()
}

/// The recurrence, entry by entry, of the rows `kept`.
#[inline(always)]
fn recurrence<S: Simd>(simd: S, a: &[f64], n: usize, kept: &[usize]) -> Vec<f64> {
    let m = kept.len();
    let mut lower = vec![0.0; m * m];
    for i in 0..m {
        for j in 0..=i {
            let start = a[kept[i] * n + kept[j]];
            let rest = (0..j).fold(start, |sum, k| small::fused(simd, -lower[i * m + k], lower[j * m + k], sum));
            lower[i * m + j] = if i == j { rest.sqrt() } else { rest / lower[j * m + j] };
        }
    }
    lower
}

/// Sizes about those of tiles, strips, blocks and the least of what threads share.
fn sizes() -> impl Iterator<Item = usize> {
    (1..=50).chain([95, 96, 97, 103, 104, 105, 191, 192, 193, 200, 256, 289, 391])
}

#[test]
fn blocks_have_the_bits_of_the_recurrence() {
    for n in (1..=200).chain([256, 289, 391]) {
        let a = matrix(n, &[]);
        let factor = Cholesky::new(&a, n).unwrap();
        let all: Vec<usize> = (0..n).collect();
        let expected = dispatch!(kernel::level(), simd => recurrence(simd, &a, n, &all));
        assert!(factor.lower == expected, "{n}");
        // Row i of L·Lᵀ, for a few.
        for i in (0..n).step_by(37) {
            for j in 0..=i {
                let product = dot(&factor.lower[i * n..][..n], &factor.lower[j * n..][..n]);
                assert!((product - a[i * n + j]).abs() < ROUNDING * (n * n) as f64, "{n} {i} {j}");
            }
        }
    }
}

#[test]
fn rows_are_left_out_wherever_they_stand() {
    let cases: [&[(usize, usize)]; 7] = [
        &[(1, 0)],
        &[(7, 6), (8, 0), (9, 0), (15, 5)],
        &[(95, 3), (96, 3), (97, 94)],
        &[(96, 95), (103, 1), (104, 2), (191, 190), (192, 97)],
        &[(298, 0), (299, 0)],
        &[(3, 1), (288, 287), (289, 4)],
        &[(10, 0), (11, 0), (12, 0), (13, 0), (14, 0), (15, 0), (16, 0), (17, 0), (18, 0), (19, 0), (20, 0), (21, 0)],
    ];
    for repeats in cases {
        for n in [2, 10, 18, 20, 21, 98, 105, 193, 300] {
            let mut a = matrix(n, repeats);
            let repeated: Vec<usize> = repeats.iter().map(|(row, _)| *row).filter(|row| *row < n).collect();
            // Only the lower triangle is read.
            (0..n).for_each(|i| a[i * n + i + 1..(i + 1) * n].fill(f64::NAN));
            let (factor, left_out) = Cholesky::independent(&a, n, TOLERANCE);
            assert_eq!(left_out, repeated, "{n}");
            let kept: Vec<usize> = (0..n).filter(|i| !repeated.contains(i)).collect();
            let expected = dispatch!(kernel::level(), simd => recurrence(simd, &a, n, &kept));
            assert!(factor.lower == expected, "{n} {repeats:?}");
            assert_eq!(factor.n, kept.len());
        }
    }
}

#[test]
fn what_is_no_number_is_left_out_and_spoils_nothing() {
    for (n, row, value) in [(9, 4, f64::NAN), (40, 8, f64::INFINITY), (120, 97, f64::NAN), (300, 95, f64::INFINITY)] {
        let mut a = matrix(n, &[]);
        let kept: Vec<usize> = (0..n).filter(|i| *i != row).collect();
        let expected = dispatch!(kernel::level(), simd => recurrence(simd, &a, n, &kept));
        (0..n).for_each(|j| (a[row * n + j], a[j * n + row]) = (value, value));
        let (factor, left_out) = Cholesky::independent(&a, n, TOLERANCE);
        assert_eq!(left_out, [row]);
        assert!(factor.lower == expected, "{n}");
        assert_eq!(Cholesky::new(&a, n), Err(NotPositiveDefinite { row }));
    }
}

#[test]
fn the_inverse_is_symmetric_and_one() {
    for n in sizes() {
        let a = matrix(n, &[]);
        let factor = Cholesky::new(&a, n).unwrap();
        let inverse = factor.inverse();
        for i in 0..n {
            for j in 0..=i {
                assert_eq!(inverse[i * n + j], inverse[j * n + i]);
                let product = dot(&a[i * n..][..n], &inverse[j * n..][..n]);
                let one = f64::from(i == j);
                assert!((product - one).abs() < ROUNDING * n as f64, "{n} {i} {j}");
            }
        }
        let trace: f64 = (0..n).map(|i| inverse[i * n + i]).sum();
        assert!((factor.inverse_trace() - trace).abs() < ROUNDING * n as f64 * trace, "{n}");
    }
}

#[test]
fn many_right_hand_sides_are_solved_as_one() {
    for n in sizes() {
        let factor = Cholesky::new(&matrix(n, &[]), n).unwrap();
        for width in [1, 7, 8, 9, 100] {
            let b = |i: usize, j: usize| ((i * 13 + j * 29) % 17) as f64 - 8.0;
            let mut columns: Vec<f64> = (0..n * width).map(|at| b(at / width, at % width)).collect();
            factor.solve_lower_columns(&mut columns, width);
            for j in (0..width).step_by(3) {
                let mut one: Vec<f64> = (0..n).map(|i| b(i, j)).collect();
                factor.solve_lower(&mut one);
                for (i, one) in one.iter().enumerate() {
                    assert!((columns[i * width + j] - one).abs() < ROUNDING * n as f64, "{n} {width} {i}");
                }
            }
        }
    }
}

#[test]
fn nothing_is_a_matrix_too() {
    let factor = Cholesky::new(&[], 0).unwrap();
    assert_eq!((factor.inverse(), factor.inverse_trace(), factor.log_determinant()), (vec![], 0.0, 0.0));
    factor.solve_lower_columns(&mut [], 3);
    let (nothing, left_out) = Cholesky::independent(&[0.0], 1, TOLERANCE);
    assert_eq!((nothing.n, left_out), (0, vec![0]));
    nothing.solve(&mut []);
}

/// Everything that threads share, as bits.
fn everything(level: Level, a: &[f64], n: usize) -> Vec<u64> {
    let mut lower: Vec<f64> = a.to_vec();
    (0..n).for_each(|i| lower[i * n + i + 1..(i + 1) * n].fill(0.0));
    let left_out = factor::factor(level, &mut lower, n, TOLERANCE);
    let m = if left_out.is_empty() { n } else { keep(&mut lower, n, &left_out) };
    let triangle = Lower { values: &lower, n: m };
    let mut found = inverse::inverse(level, triangle);
    found.push(inverse::squared_norm(level, triangle));
    found.extend(&lower);
    found.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn neither_threads_nor_registers_change_a_bit() {
    for (n, repeats) in [(300, [(96, 3), (299, 5)].as_slice()), (391, &[]), (67, &[(9, 8)])] {
        let a = matrix(n, repeats);
        let with = |threads: usize, level: Level| {
            ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(|| everything(level, &a, n))
        };
        let alone = with(1, kernel::level());
        assert!(alone == with(2, kernel::level()), "{n}: two threads");
        assert!(alone == with(7, kernel::level()), "{n}: seven threads");
        if let Some(avx2) = kernel::level().as_avx2() {
            assert!(alone == with(2, Level::Avx2(avx2)), "{n}: AVX2");
        }
    }
}

#[test]
fn solves_and_inverts() {
    let a = [4.0, 0.0, 0.0, 2.0, 5.0, 0.0, 1.0, 3.0, 6.0];
    let factor = Cholesky::new(&a, 3).unwrap();
    // A·(1, −2, 3) for the full symmetric matrix.
    let mut b = [4.0 - 4.0 + 3.0, 2.0 - 10.0 + 9.0, 1.0 - 6.0 + 18.0];
    factor.solve(&mut b);
    for (found, expected) in b.iter().zip([1.0, -2.0, 3.0]) {
        assert!((found - expected).abs() < 1e-14);
    }
    // L⁻¹ of two columns at once is that of each.
    let (mut first, mut second, mut both) = ([1.0, 2.0, 3.0], [-1.0, 0.5, 4.0], [1.0, -1.0, 2.0, 0.5, 3.0, 4.0]);
    factor.solve_lower_columns(&mut both, 2);
    factor.solve_lower(&mut first);
    factor.solve_lower(&mut second);
    for i in 0..3 {
        assert!((both[2 * i] - first[i]).abs() < 1e-15 && (both[2 * i + 1] - second[i]).abs() < 1e-15);
    }
    // 1/67 · cofactors, by hand.
    assert!((factor.inverse()[0] - 21.0 / 67.0).abs() < 1e-15);
    assert!((factor.log_determinant() - 67f64.ln()).abs() < 1e-14);
}

#[test]
fn names_the_row_that_repeats_others() {
    let a = [1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.5, 0.5, 1.0];
    assert_eq!(Cholesky::new(&a, 3), Err(NotPositiveDefinite { row: 1 }));
    assert_eq!(Cholesky::independent(&a, 3, 1e-12).1, [1]);
}
