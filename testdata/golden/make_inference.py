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


GROUPS = {"likelihood_ratio": likelihood_ratio, "profile": profile, "covariance": covariance}


def main():
    kept = json.loads(PATH.read_text()) if PATH.exists() else []
    wanted = sys.argv[1:] or list(GROUPS)
    fresh = {name: plain(GROUPS[name]()) for name in wanted}
    every = [fresh.get(name) or [r for r in kept if r["group"] == name] for name in GROUPS]
    lines = [json.dumps(r, separators=(",", ":"), allow_nan=False) for group in every for r in group]
    PATH.write_text("[\n" + ",\n".join(lines) + "\n]\n")


if __name__ == "__main__":
    main()
