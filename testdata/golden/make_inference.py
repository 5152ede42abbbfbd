"""Writes inference.json: tests, intervals, effects, diagnostics, penalties and other models. README.md says what each is.

    apt-get install r-base-core r-cran-{glmnet,survey,sandwich,brglm,car,jsonlite,mass,nnet}
    pip install numpy scipy pandas statsmodels==0.15.0 mpmath
    python make_inference.py [GROUP …]        (all groups; those named replace their lines in the file)

The reference is this script's own arithmetic in 80 bits (highprec.py); R (make_inference.R) and statsmodels are the
peers, and `agreement` holds the greatest relative difference of each from the reference.
"""

import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import statsmodels.api as sm
from highprec import (
    CHI95,
    HERE,
    L,
    Design,
    apart,
    newton,
    p_chi2,
    plain,
    solve,
    spec_of,
    sigmoid,
    softplus,
    wald,
)

PATH = HERE / "inference.json"
warnings.filterwarnings("ignore")

FREQUENCY = "1 + (i mod 3)"
SAMPLING = "0.5 + (i mod 4)*0.75"
OFFSET = "((i mod 7) - 3)*0.25"


def german_small(**changes):
    return spec_of(
        "german_credit.main",
        numeric=["duration_in_month", "credit_amount", "age_in_years"],
        categorical=["status_of_existing_checking_account", "credit_history", "housing"],
        **changes,
    )


def saheart(**changes):
    return spec_of("saheart.main", **changes)


def spector(**changes):
    return spec_of("spector.main", **changes)


def fair_numeric(**changes):
    return spec_of("fair.numeric", **changes)


def run_r(jobs):
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "jobs.json", Path(folder) / "answers.json"
        source.write_text(json.dumps(jobs))
        subprocess.run(["Rscript", "make_inference.R", source, target], cwd=HERE, check=True)
        answers = json.loads(target.read_text())
    for job, answer in zip(jobs, answers):
        if "error" in answer:
            print("R:", job.get("id"), answer["error"])
    return answers


def record(group, name, spec, design, **rest):
    head = {"id": name, "group": group, "case": spec["case"], "spec": {k: v for k, v in spec.items() if k != "case"}}
    head |= {"n": design.n, "sum_weights": design.s.sum(), "columns": design.names}
    return head | rest


def with_r(group, cases, reference, compare):
    """One record for each case: the reference, and what `compare` says of R's answer and of other peers."""
    answers = run_r([{"id": name, "group": group, **spec} for name, spec in cases])
    records = []
    for (name, spec), answer in zip(cases, answers):
        design = Design(spec)
        result = reference(design)
        agreement = compare(design, result, answer)
        records.append(record(group, name, spec, design, reference=result, agreement=agreement))
        print(name, agreement, flush=True)
    return records


def fitted(d, **kw):
    return newton(d.x, d.y, d.s, d.offset, **kw)


# --- Likelihood ratios ------------------------------------------------------------------------------------------------


def likelihood_ratio():
    cases = [
        ("spector.main", spector()),
        ("spector.noint", spec_of("spector.noint")),
        ("saheart.main", saheart()),
        ("saheart.frequency", saheart(weight_formula=FREQUENCY, weight_kind="frequency")),
        ("fair.main", spec_of("fair.main")),
        ("german_credit.main", spec_of("german_credit.main")),
        ("wa_churn.reduced", spec_of("wa_churn.reduced")),
    ]

    def reference(d):
        full = fitted(d)
        null = newton(d.x[:, : int(d.names[0] == "(Intercept)")], d.y, d.s, d.offset)
        df = d.k - int(d.names[0] == "(Intercept)")
        chi2 = 2 * (full.loglik - null.loglik)
        whole = {"chi2": chi2, "df": df, "p_value": p_chi2(chi2, df)}
        dropped = []
        for term, at in d.terms().items():
            less = newton(np.delete(d.x, at, axis=1), d.y, d.s, d.offset)
            chi2 = 2 * (full.loglik - less.loglik)
            row = {"column": term, "chi2": chi2, "df": len(at), "p_value": p_chi2(chi2, len(at))}
            dropped.append(row | {"loglik": less.loglik})
        return {"loglik": full.loglik, "null_loglik": null.loglik, "whole": whole, "drop1": dropped}

    def compare(d, result, r):
        assert r["terms"] == [row["column"] for row in result["drop1"]] and r["df"] == [x["df"] for x in result["drop1"]]
        p = [row["p_value"] for row in result["drop1"]]
        return {
            "R.drop1 chi2": apart(r["chi2"], [row["chi2"] for row in result["drop1"]]),
            "R.drop1 p (absolute)": float(f"{np.max(abs(np.array(r['p']) - p)):.1e}"),
        }

    return with_r("likelihood_ratio", cases, reference, compare)


# --- Profile likelihood -----------------------------------------------------------------------------------------------


def profile_bound(d, full, j, side, se):
    """Where twice the loss of log-likelihood is chi-squared's 95 % point, the others refitted: Newton from outside."""
    target = full.loglik - CHI95 / 2
    w = full.w.copy()
    v = full.w[j] + side * L(1.959964) * se
    slopes = solve(full.information, np.eye(d.k, dtype=L)[j])
    w = full.w + (v - full.w[j]) * slopes / slopes[j]
    for _ in range(100):
        w[j] = v
        fit = newton(d.x, d.y, d.s, d.offset, start=w, fixed=(j,))
        w = fit.w
        step = (fit.loglik - target) / fit.score[j]
        v_new = v - step
        if (v_new - full.w[j]) * side <= 0:
            v_new = (v + full.w[j]) / 2
        if abs(step) < L(1e-14) * se:
            return v_new, float(2 * (full.loglik - fit.loglik) - CHI95)
        v = v_new
    raise ArithmeticError("no bound")


def profile():
    cases = [
        ("spector.main", spector()),
        ("spector.noint", spec_of("spector.noint")),
        ("spector.frequency", spector(weight_formula=FREQUENCY, weight_kind="frequency")),
        ("saheart.main", saheart()),
        ("fair.numeric", fair_numeric()),
        ("iris.vv", spec_of("iris.vv")),
        ("german_credit.small", german_small()),
        ("german_credit.main", spec_of("german_credit.main")),
    ]

    def reference(d):
        full = fitted(d)
        se = np.sqrt(np.diag(solve(full.information, np.eye(d.k))))
        bounds = [[profile_bound(d, full, j, side, se[j]) for j in range(d.k)] for side in (-1, 1)]
        worst = max(abs(b[1]) for row in bounds for b in row)
        assert worst < 1e-12, worst
        return {
            "coef": full.w,
            "profile_ci_low": [b[0] for b in bounds[0]],
            "profile_ci_high": [b[0] for b in bounds[1]],
            "se": se,
        }

    def compare(d, result, r):
        ends = np.array([result["profile_ci_low"], result["profile_ci_high"]], float)
        found = np.array([r["low"], r["high"]], float)
        gap = float(f"{np.max(abs(found - ends) / np.array(result.pop('se'), float)):.1e}")
        return {"MASS.confint, in standard errors": gap}

    return with_r("profile", cases, reference, compare)


# --- Covariance -------------------------------------------------------------------------------------------------------


def covariance():
    pweight = {"weight_formula": SAMPLING, "weight_kind": "sampling"}
    fweight = {"weight_formula": FREQUENCY, "weight_kind": "frequency"}
    cases = [
        ("spector.main", spector()),
        ("saheart.cluster", saheart(cluster="age")),
        ("fair.cluster", fair_numeric(cluster="occupation_husb")),
        ("german_credit.cluster", german_small(cluster="purpose")),
        ("anes96.cluster", spec_of("anes96.vote", cluster="popul")),
        ("spector.frequency", spector(**fweight)),
        ("german_credit.frequency", german_small(**fweight)),
        ("saheart.frequency.cluster", saheart(cluster="age", **fweight)),
        ("spector.sampling", spector(**pweight)),
        ("fair.sampling", fair_numeric(**pweight)),
        ("german_credit.sampling", german_small(**pweight)),
        ("german_credit.sampling.cluster", german_small(cluster="purpose", **pweight)),
    ]

    def reference(d):
        fit = fitted(d)
        kind = d.spec.get("weight_kind")
        bread = solve(fit.information, np.eye(d.k))
        residual = d.y - fit.mu
        n, k = L(d.n), L(d.k)
        result = {"coef": fit.w, "loglik": fit.loglik}

        def add(name, meat, factor):
            v = factor * (bread @ meat @ bread)
            result[name] = wald(fit.w, np.sqrt(np.diag(v)))

        if kind != "sampling":
            result["model"] = wald(fit.w, np.sqrt(np.diag(bread)))
            total = d.s.sum()
            hc = d.x.T @ (d.x * (d.s * residual**2)[:, None])
            add("hc0", hc, L(1))
            add("hc1", hc, total / (total - k))
        else:
            sandwich = d.x.T @ (d.x * ((d.s * residual) ** 2)[:, None])
            add("hc0", sandwich, L(1))
            add("hc1", sandwich, n / (n - k))
            add("sampling", sandwich, n / (n - 1))
        if d.cluster is not None:
            groups = sorted(set(d.cluster))
            scores = np.array([(d.x * (d.s * residual)[:, None])[d.cluster == g].sum(axis=0) for g in groups])
            g = L(len(groups))
            result["clusters"] = len(groups)
            total = d.s.sum() if kind == "frequency" else n
            add("cluster", scores.T @ scores, g / (g - 1))
            add("cluster_hc1", scores.T @ scores, g / (g - 1) * (total - 1) / (total - k))
        return result

    def compare(d, result, r):
        x, y, s = d.x.astype(float), d.y.astype(float), d.s.astype(float)
        kind = d.spec.get("weight_kind")
        agreement = {"R.glm coef": apart(r["coef"], result["coef"])}
        if kind != "sampling":
            agreement["R.glm model"] = apart(r["se_model"], result["model"]["se"])
        for key, name in [("se_hc0", "hc0"), ("se_hc1", "hc1"), ("se_cluster", "cluster"), ("se_cluster_hc1", "cluster_hc1")]:
            if key in r:
                agreement[f"R.sandwich {name}"] = apart(r[key], result[name]["se"])
        if "se_svyglm" in r:
            name = "cluster" if d.cluster is not None else "sampling"
            agreement[f"R.svyglm {name}"] = apart(r["se_svyglm"], result[name]["se"])
        exact = {"maxiter": 100, "tol": 1e-14}
        codes = None if d.cluster is None else pd.factorize(d.cluster)[0]
        if kind is None:
            start = np.array(result["coef"], float)
            for name in ("HC0", "HC1"):
                m = sm.Logit(y, x).fit(start, disp=0, cov_type=name)
                agreement[f"statsmodels.Logit {name}"] = apart(m.bse, result[name.lower()]["se"])
                m = sm.GLM(y, x, sm.families.Binomial()).fit(cov_type=name, **exact)
                agreement[f"statsmodels.GLM {name}"] = apart(m.bse, result[name.lower()]["se"])
            if codes is not None:
                m = sm.Logit(y, x).fit(start, disp=0, cov_type="cluster", cov_kwds={"groups": codes})
                agreement["statsmodels.Logit cluster_hc1"] = apart(m.bse, result["cluster_hc1"]["se"])
                m = sm.GLM(y, x, sm.families.Binomial()).fit(cov_type="cluster", cov_kwds={"groups": codes}, **exact)
                agreement["statsmodels.GLM cluster_hc1"] = apart(m.bse, result["cluster_hc1"]["se"])
        elif kind == "frequency":
            times = s.astype(int)
            repeated = sm.GLM(np.repeat(y, times), np.repeat(x, times, axis=0), sm.families.Binomial())
            m = sm.GLM(y, x, sm.families.Binomial(), freq_weights=s).fit(**exact)
            agreement["statsmodels.GLM freq_weights model"] = apart(m.bse, result["model"]["se"])
            for name in ("HC0", "HC1"):
                m = repeated.fit(cov_type=name, **exact)
                agreement[f"statsmodels.GLM on repeated rows {name}"] = apart(m.bse, result[name.lower()]["se"])
                m = sm.GLM(y, x, sm.families.Binomial(), freq_weights=s).fit(cov_type=name, **exact)
                agreement[f"statsmodels.GLM freq_weights {name}"] = apart(m.bse, result[name.lower()]["se"])
            if codes is not None:
                m = repeated.fit(cov_type="cluster", cov_kwds={"groups": np.repeat(codes, times)}, **exact)
                agreement["statsmodels.GLM on repeated rows cluster_hc1"] = apart(m.bse, result["cluster_hc1"]["se"])
        else:
            m = sm.GLM(y, x, sm.families.Binomial(), var_weights=s).fit(cov_type="HC0", **exact)
            agreement["statsmodels.GLM var_weights HC0"] = apart(m.bse, result["hc0"]["se"])
            m = sm.GLM(y, x, sm.families.Binomial(), freq_weights=s).fit(cov_type="HC0", **exact)
            agreement["statsmodels.GLM freq_weights HC0"] = apart(m.bse, result["hc0"]["se"])
        return agreement

    return with_r("covariance", cases, reference, compare)


# --- Average marginal effects -----------------------------------------------------------------------------------------


def effects():
    cases = [
        ("spector.main", spector()),
        ("spector.frequency", spector(weight_formula=FREQUENCY, weight_kind="frequency")),
        ("saheart.main", saheart()),
        ("fair.main", spec_of("fair.main")),
        ("german_credit.small", german_small()),
    ]

    def reference(d):
        fit = fitted(d)
        v = solve(fit.information, np.eye(d.k))
        s = d.s / d.s.sum()
        slope = fit.mu * (1 - fit.mu)

        def derivative(j):
            gradient = (s * slope * (1 - 2 * fit.mu)) @ d.x * fit.w[j]
            gradient[j] += s @ slope
            return s @ slope * fit.w[j], gradient

        def change(j, others):
            high, low = d.x.copy(), d.x.copy()
            high[:, others] = 0
            low[:, others] = 0
            high[:, j], low[:, j] = 1, 0
            a, b = sigmoid(high @ fit.w + d.offset), sigmoid(low @ fit.w + d.offset)
            return s @ (a - b), (s * a * (1 - a)) @ high - (s * b * (1 - b)) @ low

        def table(rows):
            names, found = [r[0] for r in rows], [r[1] for r in rows]
            ame = np.array([f[0] for f in found])
            se = np.sqrt(np.array([f[1] @ v @ f[1] for f in found]))
            return {"names": names, "ame": ame} | wald(ame, se)

        main, each, binary = [], [], []
        for term, at in d.terms().items():
            for j in at:
                if term in d.levels:
                    main.append((d.names[j], change(j, at)))
                    if len(at) > 1:
                        each.append((d.names[j], change(j, [])))
                else:
                    main.append((d.names[j], derivative(j)))
                    if set(d.x[:, j].astype(float)) == {0.0, 1.0}:
                        binary.append((d.names[j], change(j, [])))
        result = {"effects": table(main)}
        if binary:
            result["numeric_0_1_as_change"] = table(binary)
        if each:
            result["dummies_one_by_one"] = table(each)
        return result

    def compare(d, result, r):
        x, y, s = d.x.astype(float), d.y.astype(float), d.s.astype(float).astype(int)
        m = sm.Logit(np.repeat(y, s), np.repeat(x, s, axis=0)).fit(newton(d.x, d.y, d.s).w.astype(float), disp=0)
        got = m.get_margeff(at="overall", method="dydx", dummy=True)
        got = dict(zip(d.names[1:], zip(got.margeff, got.margeff_se)))
        expected = {}
        for key in ("effects", "numeric_0_1_as_change", "dummies_one_by_one"):
            if key in result:
                expected |= {n: (a, e) for n, a, e in zip(*(result[key][q] for q in ("names", "ame", "se")))}
        main = result["effects"]
        assert r["name"] == main["names"]
        return {
            "R, numeric derivatives: ame": apart(r["ame"], main["ame"]),
            "R, numeric derivatives: se": apart(r["se"], main["se"]),
            "statsmodels ame (dummies one by one, 0/1 as change)": apart(
                [got[n][0] for n in expected], [v[0] for v in expected.values()]
            ),
            "statsmodels se": apart([got[n][1] for n in expected], [v[1] for v in expected.values()]),
        }

    return with_r("effects", cases, reference, compare)


# --- Collinearity -----------------------------------------------------------------------------------------------------


def determinant(a):
    a, result = np.array(a, L), L(1)
    for c in range(len(a)):
        p = c + int(np.argmax(abs(a[c:, c])))
        if p != c:
            a[[c, p]] = a[[p, c]]
            result = -result
        result *= a[c, c]
        a[c + 1 :] -= (a[c + 1 :, c] / a[c, c])[:, None] * a[c]
    return result


def collinearity():
    cases = [
        ("spector.main", spector()),
        ("saheart.main", saheart()),
        ("breast_cancer.mean10", spec_of("breast_cancer.mean10")),
        ("fair.main", spec_of("fair.main")),
        ("german_credit.small", german_small()),
        ("german_credit.frequency", german_small(weight_formula=FREQUENCY, weight_kind="frequency")),
        ("wa_churn.reduced", spec_of("wa_churn.reduced")),
    ]

    def generalised(correlation, terms):
        whole = determinant(correlation)
        for at in terms.values():
            at = [j - 1 for j in at]
            rest = [j for j in range(len(correlation)) if j not in at]
            part = lambda q: determinant(correlation[np.ix_(q, q)]) if q else L(1)
            yield part(at) * part(rest) / whole

    def correlation(v):
        d = np.sqrt(np.diag(v))
        return v / d[:, None] / d[None, :]

    def reference(d):
        fit = fitted(d)
        terms = d.terms()
        s = d.s / d.s.sum()
        centred = d.x[:, 1:] - s @ d.x[:, 1:]
        design = correlation(centred.T @ (centred * s[:, None]))
        estimates = correlation(solve(fit.information, np.eye(d.k))[1:, 1:])
        plain_x = d.x * np.sqrt(d.s)[:, None]
        scaled = plain_x / np.sqrt((plain_x**2).sum(axis=0))
        singular = np.linalg.svd(scaled.astype(float), compute_uv=False)
        df = [len(at) for at in terms.values()]
        by_design, by_estimates = list(generalised(design, terms)), list(generalised(estimates, terms))
        return {
            "vif_columns": d.names[1:],
            "vif_design": np.diag(solve(design, np.eye(d.k - 1))),
            "vif_estimates": np.diag(solve(estimates, np.eye(d.k - 1))),
            "terms": list(terms),
            "df": df,
            "gvif_design": by_design,
            "gvif_estimates": by_estimates,
            "gvif_design_root": [g ** (1 / L(2 * k)) for g, k in zip(by_design, df)],
            "gvif_estimates_root": [g ** (1 / L(2 * k)) for g, k in zip(by_estimates, df)],
            "condition_number": singular[0] / singular[-1],
        }

    def compare(d, result, r):
        from statsmodels.stats.outliers_influence import variance_inflation_factor

        assert r["terms"] == result["terms"] and r["df"] == result["df"]
        agreement = {"R.car gvif_estimates": apart(r["gvif"], result["gvif_estimates"])}
        if "weight_formula" not in d.spec:
            x = d.x.astype(float)
            found = [variance_inflation_factor(x, j) for j in range(1, d.k)]
            agreement["statsmodels vif_design"] = apart(found, result["vif_design"])
        return agreement

    return with_r("collinearity", cases, reference, compare)


# --- Influence --------------------------------------------------------------------------------------------------------


def influence():
    cases = [
        ("spector.main", spector()),
        ("saheart.main", saheart()),
        ("fair.main", spec_of("fair.main")),
        ("german_credit.main", spec_of("german_credit.main")),
        ("german_credit.frequency", german_small(weight_formula=FREQUENCY, weight_kind="frequency")),
    ]

    def everything(d):
        fit = fitted(d)
        inverse = solve(fit.information, np.eye(d.k))
        leverage = ((d.x @ inverse) * d.x).sum(axis=1) * fit.v
        sign = np.where(d.y == 1, L(1), L(-1))
        pearson = np.sqrt(d.s) * (d.y - fit.mu) / np.sqrt(fit.mu * (1 - fit.mu))
        deviance = sign * np.sqrt(2 * d.s * softplus(-sign * fit.eta))
        free = 1 - leverage
        return {
            "leverage": leverage,
            "pearson": pearson,
            "deviance": deviance,
            "pearson_std": pearson / np.sqrt(free),
            "deviance_std": deviance / np.sqrt(free),
            "rstudent": sign * np.sqrt(deviance**2 + leverage * pearson**2 / free),
            "cook": pearson**2 * leverage / free**2 / d.k,
        }

    def reference(d):
        every = everything(d)
        top = np.argsort(-every["cook"], kind="stable")[:10]
        result = {"rows": d.table.index.to_numpy()[top]}
        result |= {k: v[top] for k, v in every.items()}
        sums = {k: np.abs(v).sum() for k, v in every.items()}
        return {"top": result, "sums_of_absolute_values": sums, "largest_leverage": every["leverage"].max()}

    def compare(d, result, r):
        every = everything(d)
        agreement = {f"R {k}": apart(r[k], every[k]) for k in every}
        if "weight_formula" not in d.spec:
            m = sm.GLM(d.y.astype(float), d.x.astype(float), sm.families.Binomial()).fit(tol=1e-14).get_influence()
            agreement["statsmodels leverage"] = apart(m.hat_matrix_diag, every["leverage"])
            agreement["statsmodels cook"] = apart(m.cooks_distance[0], every["cook"])
            agreement["statsmodels pearson_std"] = apart(m.resid_studentized, every["pearson_std"])
        return agreement

    return with_r("influence", cases, reference, compare)


# --- Pseudo R² --------------------------------------------------------------------------------------------------------


def pseudo_r2():
    cases = [
        ("spector.main", spector()),
        ("spector.frequency", spector(weight_formula=FREQUENCY, weight_kind="frequency")),
        ("saheart.main", saheart()),
        ("fair.main", spec_of("fair.main")),
        ("german_credit.main", spec_of("german_credit.main")),
        ("iris.vv", spec_of("iris.vv")),
    ]
    records = []
    for name, spec in cases:
        d = Design(spec)
        fit, null = fitted(d), newton(d.x[:, :1], d.y, d.s)
        n = d.s.sum()
        cox = -np.expm1(2 * (null.loglik - fit.loglik) / n)
        mean = lambda k: (d.s * fit.mu)[d.y == k].sum() / d.s[d.y == k].sum()
        result = {
            "loglik": fit.loglik,
            "null_loglik": null.loglik,
            "mcfadden": 1 - fit.loglik / null.loglik,
            "mcfadden_adjusted": 1 - (fit.loglik - d.k) / null.loglik,
            "cox_snell": cox,
            "nagelkerke": cox / -np.expm1(2 * null.loglik / n),
            "tjur": mean(1) - mean(0),
        }
        m = sm.GLM(d.y.astype(float), d.x.astype(float), sm.families.Binomial(), freq_weights=d.s.astype(float)).fit(tol=1e-14)
        agreement = {
            "statsmodels.GLM mcfadden": apart(m.pseudo_rsquared("mcf"), result["mcfadden"]),
            "statsmodels.GLM cox_snell": apart(m.pseudo_rsquared("cs"), result["cox_snell"]),
        }
        print(name, agreement)
        records.append(record("pseudo_r2", name, spec, d, reference=result, agreement=agreement))
    return records


GROUPS = {
    "likelihood_ratio": likelihood_ratio,
    "profile": profile,
    "covariance": covariance,
    "effects": effects,
    "collinearity": collinearity,
    "influence": influence,
    "pseudo_r2": pseudo_r2,
}


def main():
    kept = json.loads(PATH.read_text()) if PATH.exists() else []
    wanted = sys.argv[1:] or list(GROUPS)
    fresh = {name: plain(GROUPS[name]()) for name in wanted}
    every = [fresh.get(name) or [r for r in kept if r["group"] == name] for name in GROUPS]
    lines = [json.dumps(r, separators=(",", ":"), allow_nan=False) for group in every for r in group]
    PATH.write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
