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


# --- Penalties --------------------------------------------------------------------------------------------------------


class Penalty:
    """l1, l2, factors, scales and limits of the columns, the intercept first and free."""

    def __init__(self, d, l1, l2, factor=None, standardize=False, lower=None, upper=None):
        sources = d.source[1:]
        factor, lower, upper = factor or {}, lower or {}, upper or {}
        pick = lambda table, otherwise: [table.get(c, table.get("*", otherwise)) for c in sources]
        self.factor, self.low, self.high = pick(factor, 1.0), pick(lower, -np.inf), pick(upper, np.inf)
        s = d.s / d.s.sum()
        sd = np.ones(d.k, L)
        if standardize:
            centred = d.x - s @ d.x
            sd = np.sqrt(s @ centred**2)
        f = np.array([0, *self.factor], L)
        self.l1, self.l2 = L(l1) * f * sd, L(l2) * f * sd**2
        self.lower, self.upper = np.array([-np.inf, *self.low], L), np.array([np.inf, *self.high], L)
        self.sd = sd


def penalised_minimum(d, q):
    """The minimum of the mean loss and q: proximal Newton to find the support, Newton in 80 bits on it, its proof."""
    s = d.s / d.s.sum()
    x = d.x

    def value(w):
        e = x @ w
        return s @ (softplus(e) - d.y * e) + q.l1 @ abs(w) + q.l2 @ (w * w) / 2

    w = np.zeros(d.k, L)
    for _ in range(60):
        mu = sigmoid(x @ w)
        g = x.T @ (s * (mu - d.y)) + q.l2 * w
        h = x.T @ (x * (s * mu * (1 - mu))[:, None]) + np.diag(q.l2)
        g8, h8, w8, l8 = g.astype(float), h.astype(float), w.astype(float), q.l1.astype(float)
        low, high, new = q.lower.astype(float), q.upper.astype(float), w.astype(float)
        r = g8.copy()
        for _ in range(20000):
            moved = 0.0
            for j in range(d.k):
                u = new[j] - r[j] / h8[j, j]
                u = min(max(np.sign(u) * max(abs(u) - l8[j] / h8[j, j], 0.0), low[j]), high[j])
                if u != new[j]:
                    r += h8[j] * (u - new[j])
                    moved = max(moved, abs(u - new[j]) * h8[j, j] ** 0.5)
                    new[j] = u
            if moved < 1e-13:
                break
        new, t = new.astype(L), L(1)
        while value(w + t * (new - w)) > value(w) and t > 1e-8:
            t /= 2
        change = abs((w - new) * np.sqrt(np.diag(h))).max()
        w = new if t == 1 else w + t * (new - w)
        if change < 1e-10:
            break
    sign = np.sign(w)
    bound = (w == q.lower) | (w == q.upper)
    free = [j for j in range(d.k) if w[j] != 0 and not bound[j]]
    if d.names[0] == "(Intercept)" and 0 not in free:
        free.insert(0, 0)
    for _ in range(40):
        mu = sigmoid(x @ w)
        g = x.T @ (s * (mu - d.y)) + q.l2 * w + q.l1 * sign
        h = x[:, free].T @ (x[:, free] * (s * mu * (1 - mu))[:, None]) + np.diag(q.l2[free])
        step = solve(h, g[free])
        w[free] -= step
        if abs(step).max() < 1e-18 * max(1, abs(w).max()):
            break
    g = x.T @ (s * (sigmoid(x @ w) - d.y)) + q.l2 * w
    size = max(float(abs(q.l1).max()), 1e-3)
    for j in range(d.k):
        slack = 1e-14 * size
        if j in free:
            assert q.l1[j] == 0 or np.sign(w[j]) == sign[j]
            assert abs(g[j] + q.l1[j] * sign[j]) < 1e-12 * size * (1 + float(abs(x[:, j]).max()))
            assert q.lower[j] < w[j] < q.upper[j]
        else:
            # The subgradient reaches 0, or points out of the box at a limit.
            ends = [g[j] - q.l1[j], g[j] + q.l1[j]] if w[j] == 0 else [g[j] + q.l1[j] * sign[j]] * 2
            ok = ends[0] <= slack and ends[1] >= -slack
            if w[j] == q.lower[j]:
                ok |= ends[1] >= -slack
            if w[j] == q.upper[j]:
                ok |= ends[0] <= slack
            assert ok, (d.names[j], w[j], ends)
    return w, value(w)


def support(d, w):
    return [d.names[j] for j in range(1, d.k) if w[j] != 0]


def write_matrix(folder, name, d):
    x, y, w = (Path(folder) / f"{name}.{part}" for part in ("x", "y", "w"))
    np.savetxt(x, d.x[:, 1:].astype(float), fmt="%.17g", delimiter=",")
    np.savetxt(y, d.y.astype(float), fmt="%.17g")
    np.savetxt(w, d.s.astype(float), fmt="%.17g")
    return {"matrix": str(x), "y_file": str(y), "w_file": str(w)}


def penalised():
    z_credit = spec_of("german_credit.main", scale="zscore")
    z_sonar = spec_of("sonar.main", scale="zscore")
    z_cancer = spec_of("breast_cancer.all30", scale="zscore")
    by_hand = {"age": 0.0, "tobacco": 0.5, "famhist": 2.0}
    credit_factors = {"duration_in_month": 0.0, "credit_history": 2.0, "housing": 0.25}
    box = {"*": 0.1, "age": 0.05, "famhist": 0.6}
    cases = [
        ("saheart.standardize.l1", saheart(), {"lambda": 0.03125, "alpha": 1.0, "standardize": True}),
        ("saheart.standardize.l2", saheart(), {"lambda": 0.125, "alpha": 0.0, "standardize": True}),
        ("saheart.standardize.weights", saheart(weight_formula=SAMPLING, weight_kind="sampling"), {"lambda": 0.03125, "alpha": 0.75, "standardize": True}),
        ("saheart.factors", saheart(), {"lambda": 0.0625, "alpha": 0.5, "standardize": True, "factor": by_hand}),
        ("saheart.factors.raw", saheart(), {"lambda": 0.0625, "alpha": 0.5, "factor": by_hand}),
        ("saheart.limits", saheart(), {"lambda": 0.015625, "alpha": 0.5, "standardize": True, "lower": {"*": 0.0}, "upper": box}),
        ("saheart.limits.free", saheart(), {"lambda": 0.0009765625, "alpha": 0.0, "lower": {"obesity": -0.02}, "upper": {"ldl": 0.125, "famhist": 0.75}}),
        ("german_credit.factors", german_small(), {"lambda": 0.03125, "alpha": 0.25, "standardize": True, "factor": credit_factors}),
        ("german_credit.limits", z_credit, {"lambda": 0.0078125, "alpha": 0.5, "lower": {"*": -0.125}, "upper": {"*": 0.125}}),
        ("german_credit.alpha0.1", z_credit, {"lambda": 0.0625, "alpha": 0.1}),
        ("german_credit.alpha0.9", z_credit, {"lambda": 0.015625, "alpha": 0.9}),
        ("sonar.alpha0.5", z_sonar, {"lambda": 0.0625, "alpha": 0.5}),
        ("sonar.limits", z_sonar, {"lambda": 0.015625, "alpha": 1.0, "lower": {"*": 0.0}, "upper": {"*": 0.5}}),
        ("breast_cancer.alpha0.5", z_cancer, {"lambda": 0.015625, "alpha": 0.5}),
    ]
    with tempfile.TemporaryDirectory() as folder:
        jobs, designs = [], []
        for name, spec, penalty in cases:
            d = Design(spec)
            rest = {k: v for k, v in penalty.items() if k not in ("lambda", "alpha")}
            lam, alpha = penalty["lambda"], penalty["alpha"]
            q = Penalty(d, lam * alpha, lam * (1 - alpha), **rest)
            designs.append((d, q))
            job = {"group": "penalised", "lambda": lam, "alpha": alpha, "standardize": penalty.get("standardize", False)}
            job |= {"penalty_factor": q.factor, "lower": [str(v) for v in q.low], "upper": [str(v) for v in q.high]}
            jobs.append({"id": name, **spec, **job, **write_matrix(folder, name, d)})
        answers = run_r(jobs)
    records = []
    for (name, spec, penalty), (d, q), answer in zip(cases, designs, answers):
        w, objective = penalised_minimum(d, q)
        result = {"coef": w, "objective": objective, "support": support(d, w)}
        if "lower" in penalty or "upper" in penalty:
            result["at_limit"] = [d.names[j] for j in range(d.k) if w[j] in (q.lower[j], q.upper[j]) and w[j] != 0]
        if penalty.get("standardize"):
            result["column_scale"] = q.sd[1:]
        full = {"l1": penalty["lambda"] * penalty["alpha"], "l2": penalty["lambda"] * (1 - penalty["alpha"])}
        full |= {"standardize": penalty.get("standardize", False), "penalty_factor": q.factor}
        for key in ("lower", "upper"):
            if key in penalty:
                full[key] = [None if np.isinf(v) else v for v in getattr(q, "low" if key == "lower" else "high")]
        r = np.array(answer["coef"], L)
        e = d.x @ r
        s = d.s / d.s.sum()
        at_r = s @ (softplus(e) - d.y * e) + q.l1 @ abs(r) + q.l2 @ (r * r) / 2
        agreement = {
            "R.glmnet coef, of the largest": float(f"{abs((r - w) * q.sd)[1:].max() / abs(w * q.sd)[1:].max():.1e}"),
            "R.glmnet objective above": float(f"{at_r - objective:.1e}"),
            "R.glmnet same support": support(d, r) == result["support"],
        }
        print(name, len(result["support"]), d.k - 1, result.get("at_limit"), agreement, flush=True)
        records.append(record("penalised", name, spec, d, penalty=full, reference=result, agreement=agreement))
    return records


def lambda_max():
    by_hand = {"age": 0.0, "tobacco": 0.5, "famhist": 2.0}
    both = {"standardize": True, "factor": by_hand}
    cases = [
        (f"{name}.alpha{alpha:g}", spec, alpha, {})
        for name, spec in [
            ("german_credit", spec_of("german_credit.main", scale="zscore")),
            ("sonar", spec_of("sonar.main", scale="zscore")),
        ]
        for alpha in (1.0, 0.5)
    ]
    weights = {"weight_formula": SAMPLING, "weight_kind": "sampling"}
    cases += [("saheart.factors", saheart(), 0.5, both), ("saheart.weights", saheart(**weights), 1.0, both)]
    prepared, jobs = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, spec, alpha, rest in cases:
            d = Design(spec)
            q = Penalty(d, 1, 0, **rest)
            s = d.s / d.s.sum()
            # The fit of the columns without a penalty; then the steepest of the others.
            free = newton(d.x[:, q.l1 == 0], d.y, d.s)
            slope = np.where(q.l1 == 0, 0, abs(d.x.T @ (s * (d.y - free.mu))) / np.where(q.l1 == 0, 1, q.l1))
            top = slope.max() / L(alpha)
            lambdas = [float(top * f) for f in (L(0.5), L(0.1), L(0.02))]
            prepared.append((d, q, top, lambdas, d.names[int(slope.argmax())]))
            rescale = sum(q.factor) / len(q.factor)
            job = {"group": "lambda_max", "alpha": alpha, "lambdas": [v * rescale for v in lambdas]}
            job |= {"penalty_factor": q.factor, "standardize": rest.get("standardize", False)}
            jobs.append({"id": name, **spec, **job, **write_matrix(folder, name, d)})
        answers = run_r(jobs)
    records = []
    for (name, spec, alpha, rest), (d, q1, top, lambdas, first), r in zip(cases, prepared, answers):
        points, gaps, same = [], [], []
        for lam, coef in zip(lambdas, r["coef"]):
            q = Penalty(d, L(lam) * L(alpha), L(lam) * (1 - L(alpha)), **rest)
            w, objective = penalised_minimum(d, q)
            points.append({"lambda": lam, "objective": objective, "support": len(support(d, w)), "coef": w})
            gaps.append(abs((np.array(coef, L) - w) * q.sd)[1:].max() / abs(w * q.sd)[1:].max())
            same.append(support(d, coef) == support(d, w))
        agreement = {
            "R.glmnet lambda_max": apart(r["lambda1"] / (sum(q1.factor) / len(q1.factor)), top),
            "R.glmnet coef, of the largest": float(f"{max(gaps):.1e}"),
            "R.glmnet same support": same,
        }
        print(name, agreement, [p["support"] for p in points])
        result = {"lambda_max": top, "first_in": first, "path": points}
        penalty = {"alpha": alpha, "standardize": rest.get("standardize", False), "penalty_factor": q1.factor}
        records.append(record("lambda_max", name, spec, d, penalty=penalty, reference=result, agreement=agreement))
    return records


# --- Leave one out ----------------------------------------------------------------------------------------------------


def leave_one_out():
    cases = [
        ("spector", spector(), [0.001, 0.01, 0.1, 1.0]),
        ("iris.vv", spec_of("iris.vv"), [0.001, 0.01, 0.1, 1.0]),
        ("saheart.z", saheart(scale="zscore"), [0.001, 0.01, 0.1, 1.0]),
    ]
    records = []
    for name, spec, strengths in cases:
        d = Design(spec)
        values = []
        for l2 in strengths:
            ridge = np.array([0] + [1] * (d.k - 1), L) * L(l2)
            fit = fitted(d, ridge=ridge * d.n)
            inverse = solve(fit.information, np.eye(d.k))
            h = ((d.x @ inverse) * d.x).sum(axis=1)
            v = fit.mu * (1 - fit.mu)
            approximate = fit.eta + h / (1 - h * v) * (fit.mu - d.y)
            loss = lambda eta: softplus(eta) - d.y * eta
            exact = {"sum": np.zeros(d.n, L), "mean": np.zeros(d.n, L)}
            for i in range(d.n):
                keep = np.arange(d.n) != i
                for form, times in (("sum", d.n), ("mean", d.n - 1)):
                    w = newton(d.x[keep], d.y[keep], ridge=ridge * times, start=fit.w).w
                    exact[form][i] = d.x[i] @ w
            values.append(
                {
                    "l2": l2,
                    "coef": fit.w,
                    "train_log_loss": loss(fit.eta).mean(),
                    "loo_log_loss_sum_form": loss(exact["sum"]).mean(),
                    "loo_log_loss_mean_form": loss(exact["mean"]).mean(),
                    "alo_log_loss": loss(approximate).mean(),
                    "loo_logit_sum_form_head": exact["sum"][:5],
                    "loo_logit_mean_form_head": exact["mean"][:5],
                    "alo_logit_head": approximate[:5],
                    "largest_logit_error_of_alo": abs(approximate - exact["sum"]).max(),
                }
            )
        # scikit-learn's own refits, for one strength.
        from sklearn.linear_model import LogisticRegression

        l2, x, y = strengths[1], d.x[:, 1:].astype(float), d.y.astype(int).astype(int)
        losses = []
        for i in range(d.n):
            keep = np.arange(d.n) != i
            m = LogisticRegression(C=1 / (l2 * d.n), solver="newton-cholesky", tol=1e-12, max_iter=1000)
            m.fit(x[keep], y[keep])
            losses.append(float(np.logaddexp(0, -(2 * y[i] - 1) * m.decision_function(x[i : i + 1])[0])))
        agreement = {f"scikit-learn refits, sum form, l2 = {l2}": apart(np.mean(losses), values[1]["loo_log_loss_sum_form"])}
        print(name, agreement, [(float(v["loo_log_loss_sum_form"]), float(v["alo_log_loss"])) for v in values])
        records.append(record("leave_one_out", name, spec, d, reference=values, agreement=agreement))
    return records


# --- Offsets ----------------------------------------------------------------------------------------------------------


def offset():
    no_ldl = [c for c in spec_of("saheart.main")["numeric"] if c != "ldl"]
    anes = [c for c in spec_of("anes96.vote")["numeric"] if c != "logpopul"]
    cases = [
        ("german_credit.formula", german_small(offset_formula=OFFSET)),
        ("saheart.column", saheart(numeric=no_ldl, offset="ldl")),
        ("anes96.column", spec_of("anes96.vote", numeric=anes, offset="logpopul")),
        ("spector.noint", spec_of("spector.noint", offset_formula=OFFSET)),
        ("saheart.frequency", saheart(offset_formula=OFFSET, weight_formula=FREQUENCY, weight_kind="frequency")),
    ]

    def reference(d):
        fit = fitted(d)
        ones = int(d.names[0] == "(Intercept)")
        null = newton(d.x[:, :ones], d.y, d.s, d.offset)
        se = np.sqrt(np.diag(solve(fit.information, np.eye(d.k))))
        chi2, df = 2 * (fit.loglik - null.loglik), d.k - ones
        result = {"coef": fit.w} | wald(fit.w, se)
        result |= {"loglik": fit.loglik, "null_loglik": null.loglik, "lr_chi2": chi2, "lr_df": df}
        return result | {"lr_p_value": p_chi2(chi2, df), "eta_head": fit.eta[:5]}

    def compare(d, result, r):
        x, y, s, o = (v.astype(float) for v in (d.x, d.y, d.s, d.offset))
        m = sm.GLM(y, x, sm.families.Binomial(), freq_weights=s, offset=o).fit(tol=1e-14, maxiter=100)
        agreement = {}
        for name, coef, se, loglik in [
            ("R.glm", r["coef"], r["se"], -r["deviance"] / 2),
            ("statsmodels.GLM", m.params, m.bse, m.llf),
        ]:
            agreement |= {f"{name} coef": apart(coef, result["coef"]), f"{name} se": apart(se, result["se"])}
            agreement[f"{name} loglik"] = apart(loglik, result["loglik"])
        return agreement | {"R.glm null_loglik": apart(-r["null_deviance"] / 2, result["null_loglik"])}

    return with_r("offset", cases, reference, compare)


# --- Several classes --------------------------------------------------------------------------------------------------


def softmax_newton(x, classes, target, base, s):
    """Multinomial logit with the coefficients of `base` at 0: rows of coefficients, in the order of the other classes."""
    n, k = x.shape
    others = [c for c in classes if c != base]
    m = len(others)
    hot = np.array([[t == c for c in others] for t in target]).astype(L).reshape(n, m)
    w = np.zeros((m, k), L)

    def probabilities(w):
        e = np.column_stack([x @ w.T, np.zeros(n, L)])
        top = e.max(axis=1, keepdims=True)
        total = np.exp(e - top).sum(axis=1, keepdims=True)
        log_p = e - top - np.log(total)
        return np.exp(log_p[:, :m]), log_p

    def value(w):
        log_p = probabilities(w)[1]
        return (s * ((hot * log_p[:, :m]).sum(axis=1) + (1 - hot.sum(axis=1)) * log_p[:, m])).sum()

    def hessian(p):
        h = np.zeros((m * k, m * k), L)
        for a in range(m):
            for b in range(a + 1):
                v = s * (p[:, a] * (L(a == b) - p[:, b]))
                block = x.T @ (x * v[:, None])
                h[a * k : a * k + k, b * k : b * k + k] = block
                h[b * k : b * k + k, a * k : a * k + k] = block
        return h

    now = value(w)
    for _ in range(200):
        p, _unused = probabilities(w)
        g = ((hot - p) * s[:, None]).T @ x
        step = solve(hessian(p), g.ravel()).reshape(m, k)
        t = L(1)
        while value(w + t * step) < now - abs(now) * L(1e-17) and t > 1e-4:
            t /= 2
        w, before = w + t * step, now
        now = value(w)
        if abs(w).max() > 1e4:
            raise ArithmeticError("separated")
        if float((g * step).sum()) < 1e-30:
            break
    p, _unused = probabilities(w)
    v = solve(hessian(p), np.eye(m * k))
    return others, w, np.sqrt(np.diag(v)).reshape(m, k), now, float(abs(((hot - p) * s[:, None]).T @ x).max())


def mlogit():
    anes = spec_of("anes96.main")
    credit = {"case": "german_credit", "target": "housing", "numeric": ["duration_in_month", "credit_amount", "age_in_years"]}
    credit |= {"categorical": ["telephone", "job"], "intercept": True, "scale": "none", "coding": "treatment"}
    credit |= {"task": "multiclass"}
    iris = {"case": "iris", "target": "species", "numeric": ["sepal width (cm)"], "categorical": [], "intercept": True}
    iris |= {"scale": "none", "coding": "treatment", "task": "multiclass"}
    fweight = {"weight_formula": FREQUENCY, "weight_kind": "frequency"}
    cases = [
        ("anes96.base3", anes | {"base": "3"}),
        ("anes96.frequency", anes | {"base": "0"} | fweight),
        ("german_credit.own", credit | {"base": "own"}),
        ("german_credit.frequency", credit | {"base": "rent"} | fweight),
        ("iris.width", iris | {"base": "virginica"}),
        ("iris.width.frequency", iris | {"base": "setosa"} | fweight),
    ]

    def reference(d):
        classes = sorted(set(d.target))
        base = d.spec["base"]
        others, w, se, loglik, score = softmax_newton(d.x, classes, d.target, base, d.s)
        assert score < 1e-9, score
        total = d.s.sum()
        count = [d.s[d.target == c].sum() for c in classes]
        null = sum(c * np.log(c / total) for c in count)
        chi2, df = 2 * (loglik - null), (d.k - 1) * len(others)
        result = {"classes": others, "coef": w}
        result |= {k: np.array(v).reshape(w.shape) for k, v in wald(w.ravel(), se.ravel()).items()}
        result |= {"loglik": loglik, "null_loglik": null, "lr_chi2": chi2, "lr_df": df}
        return result | {"lr_p_value": p_chi2(chi2, df)}

    def compare(d, result, r):
        agreement = {
            "R.multinom coef, in standard errors": float(
                f"{np.max(abs(np.array(r['coef']) - result['coef'].astype(float)) / result['se'].astype(float)):.1e}"
            ),
            "R.multinom se by vcov, a pseudo-inverse": apart(r["se"], result["se"]),
            "R.multinom se by solve(Hessian)": apart(r["se_solve"], result["se"]),
            "R.multinom loglik": apart(r["loglik"], result["loglik"]),
        }
        times = d.s.astype(float).astype(int)
        order = [d.spec["base"], *result["classes"]]
        y = np.repeat([order.index(t) for t in d.target], times)
        x = np.repeat(d.x.astype(float), times, axis=0)
        m = sm.MNLogit(y, x).fit(result["coef"].ravel().astype(float), disp=0, method="newton", maxiter=50)
        agreement |= {
            "statsmodels.MNLogit coef": apart(np.asarray(m.params).T, result["coef"]),
            "statsmodels.MNLogit se": apart(np.asarray(m.bse).T, result["se"]),
            "statsmodels.MNLogit loglik": apart(m.llf, result["loglik"]),
            "statsmodels.MNLogit null_loglik": apart(m.llnull, result["null_loglik"]),
        }
        return agreement

    return with_r("mlogit", cases, reference, compare)


# --- Firth ------------------------------------------------------------------------------------------------------------


def log_determinant(a):
    d = np.sqrt(np.diag(a))
    return np.log(determinant(a / d[:, None] / d[None, :])) + 2 * np.log(d).sum()


def firth_fit(x, y, start=None, fixed=()):
    """Jeffreys' prior over all columns; `fixed` ones keep the value of `start`. Newton with the modified score."""
    n, k = x.shape
    w = np.zeros(k, L) if start is None else np.array(start, L)
    free = [j for j in range(k) if j not in fixed]

    def parts(w):
        eta = x @ w
        mu = sigmoid(eta)
        info = x.T @ (x * (mu * (1 - mu))[:, None])
        return eta, mu, info

    def value(w):
        eta, mu, info = parts(w)
        return (y * eta - softplus(eta)).sum() + log_determinant(info) / 2

    def score(w):
        eta, mu, info = parts(w)
        inverse = solve(info, np.eye(k))
        h = ((x @ inverse) * x).sum(axis=1) * mu * (1 - mu)
        return x.T @ (y - mu + h * (L(0.5) - mu)), info

    now = value(w)
    for _ in range(2000):
        g, info = score(w)
        if not free:
            break
        step = solve(info[np.ix_(free, free)], g[free])
        step *= min(L(1), L(2) / abs(x[:, free] @ step).max())
        t = L(1)
        while True:
            new = w.copy()
            new[free] += t * step
            v = value(new)
            if v >= now - abs(now) * L(1e-18) or t < 1e-3:
                break
            t /= 2
        w, now = new, v
        if abs(step).max() < L(1e-17) * max(L(1), abs(w).max()):
            break
    g, info = score(w)
    return w, now, g, info


def firth():
    penguins = {"case": "penguins", "target": "species", "positive": "Adelie", "numeric": ["body_mass_g"]}
    penguins |= {"categorical": ["island", "sex"], "na_values": ["NA"], "intercept": True, "scale": "none"}
    penguins |= {"coding": "treatment", "task": "binary"}
    credit = spec_of(
        "german_credit.main",
        numeric=["duration_in_month", "age_in_years"],
        categorical=["purpose", "credit_history"],
        filter={"other_debtors_or_guarantors": ["guarantor"]},
    )
    cases = [("penguins.island", penguins), ("german_credit.guarantor", credit)]

    def reference(d):
        w, top, g, info = firth_fit(d.x, d.y)
        assert abs(g / np.sqrt(np.diag(info))).max() < 1e-14
        se = np.sqrt(np.diag(solve(info, np.eye(d.k))))
        result = {"coef": w} | wald(w, se)
        eta = d.x @ w
        result |= {"penalized_loglik": top, "loglik": (d.y * eta - softplus(eta)).sum()}
        result["plr_chi2"], result["plr_p_value"], ends = [], [], ([], [])
        for j in range(d.k):
            start = w.copy()
            start[j] = 0
            chi2 = 2 * (top - firth_fit(d.x, d.y, start, (j,))[1])
            result["plr_chi2"].append(chi2)
            result["plr_p_value"].append(p_chi2(chi2, 1))
            for side, found in zip((-1, 1), ends):
                loss = lambda v, warm: firth_fit(d.x, d.y, np.where(np.arange(d.k) == j, v, warm), (j,))
                inside, v, warm = w[j], w[j] + side * 2 * se[j], w
                low, high = w[j], None
                for _ in range(200):
                    warm, at, slope, _info = loss(v, warm)
                    excess = at - (top - CHI95 / 2)
                    if excess > 0:
                        low = v
                    else:
                        high = v
                    new = v - excess / slope[j]
                    if not ((new - low) * side > 0) or (high is not None and not ((high - new) * side > 0)):
                        new = (low + high) / 2 if high is not None else low + side * 2 * se[j]
                    if abs(new - low) > 8 * se[j]:
                        new = low + side * 8 * se[j]
                    if abs(new - v) < L(1e-14) * se[j]:
                        break
                    v = new
                assert abs(excess) < 1e-12, float(excess)
                found.append(new)
        result["profile_ci_low"], result["profile_ci_high"] = ends
        return result

    def compare(d, result, r):
        return {"R.brglm coef": apart(r["coef"], result["coef"]), "R.brglm se": apart(r["se"], result["se"])}

    return with_r("firth", cases, reference, compare)


GROUPS = {
    "likelihood_ratio": likelihood_ratio,
    "profile": profile,
    "covariance": covariance,
    "effects": effects,
    "collinearity": collinearity,
    "influence": influence,
    "pseudo_r2": pseudo_r2,
    "penalised": penalised,
    "lambda_max": lambda_max,
    "leave_one_out": leave_one_out,
    "offset": offset,
    "mlogit": mlogit,
    "firth": firth,
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
