"""Writes paths.json: full paths judged by the reference implementation, for `tests/paths.rs`.

Usage: python3 make_paths.py DIRECTORY_OF_VERDICT_PY > paths.json   (needs numpy and scipy)

Every path is seeded. Its counts come from one of four noise models; its evidence and dispersion from verdict.py,
its tails from scipy. Relative and control paths use the dispersion that the reference learns from the history,
absolute paths one that is given.
"""
import json
import sys

import numpy as np
from scipy import stats
from scipy.special import betainc

sys.path.insert(0, sys.argv[1])
import verdict as v  # noqa: E402

STEP = 5
NOISES = ("iid", "ar", "bursts", "drift")


def counts(rng, n, rps, rate, noise, factor=1.0):
    """Bad and all events of n intervals."""
    ln_rate = np.zeros(n)
    if noise in ("ar", "drift"):
        memory = np.exp(-STEP / 60)
        ln_rate[0] = 0.35 * rng.standard_normal()
        for i in range(1, n):
            ln_rate[i] = memory * ln_rate[i - 1] + np.sqrt(1 - memory**2) * 0.35 * rng.standard_normal()
    if noise == "drift":
        ln_rate += np.log(1.3) * np.arange(n) / n
    total = rng.poisson(rps * STEP, n)
    expected = rate * factor * total * np.exp(ln_rate)
    if noise == "bursts":
        bursts = rng.poisson(expected / 4)
        bad = np.array([rng.geometric(0.25, k).sum() for k in bursts])
    else:
        bad = rng.poisson(expected)
    return np.minimum(bad, total), total


def pair(bad, total):
    return {"bad": [int(x) for x in bad], "total": [int(x) for x in total]}


def listed(values):
    return [float(x) for x in np.atleast_1d(values)]


def relative(rng, noise, rps, rate, factor, rho, history, baseline, fault):
    eh, nh = counts(rng, history, rps, rate, noise)
    eb, nb = eh[-baseline:].sum(), nh[-baseline:].sum()
    e, n = counts(rng, fault, rps, rate, noise, factor)
    hats = [float(v.phi_hat(eh, nh, STEP, q=q)) for q in (0.25, 0.10)]
    abort, end = (1 + rho * (hat - 1) for hat in hats)
    E, N = e.cumsum(), n.cumsum()
    k, base = E[-1] / end, eb / end
    theta = rho * N[-1] / (nb + rho * N[-1])
    return {
        "kind": "relative", "noise": noise, "rho": rho, "history": pair(eh, nh), "baselineLength": baseline,
        "fault": pair(e, n), "hats": hats, "abort": abort, "end": end,
        "lnEvidence": listed(v.ln_e_rel(E, N, eb, nb, abort, rho, v.R_UP, v.W_UP)),
        "lnHold": listed(v.ln_e_rel(E, N, eb, nb, end, rho, v.R_DN, v.W_DN)),
        "pHarm": float(betainc(k, base + 1, theta)) if k > 0 else 1.0,
        "pHeld": float(betainc(base, k + 1, 1 - theta)) if base > 0 else 1.0,
    }


def absolute(rng, noise, rps, rate, factor, tolerated, phi, baseline, fault):
    eb, nb = counts(rng, baseline, rps, rate, noise)
    e, n = counts(rng, fault, rps, rate, noise, factor)
    E, N = e.cumsum(), n.cumsum()
    k, allowed = E[-1] / phi, tolerated * N[-1] / phi
    return {
        "kind": "absolute", "noise": noise, "tolerated": tolerated, "baseline": pair(eb, nb), "fault": pair(e, n),
        "phi": phi,
        "lnEvidence": listed(v.ln_e_abs(E, tolerated * N, phi, v.R_UP, v.W_UP)),
        "lnHold": listed(v.ln_e_abs(E, tolerated * N, phi, v.R_DN, v.W_DN)),
        "pHarm": float(stats.gamma.cdf(allowed, k)) if k > 0 else 1.0,
        "pHeld": float(stats.gamma.sf(allowed, k + 1)),
    }


def control(rng, noise, rps, rate, factor, rho, history, fault):
    ours, theirs = (counts(rng, history, rps, rate, noise) for _ in range(2))
    e, n = counts(rng, fault, rps, rate, noise, factor)
    ec, nc = counts(rng, fault, rps, rate, noise)
    hat = float(v.phi_hat_ctl(ours[0], theirs[0], ours[1], theirs[1], STEP))
    return {
        "kind": "control", "noise": noise, "rho": rho, "experimentHistory": pair(*ours),
        "controlHistory": pair(*theirs), "experiment": pair(e, n), "control": pair(ec, nc), "hat": hat,
        "lnEvidence": listed(v.ln_e_ctl(e, ec, n, nc, hat, rho, v.R_UP, v.W_UP)),
        "lnHold": listed(v.ln_e_ctl(e, ec, n, nc, hat, rho, v.R_DN, v.W_DN)),
    }


def paths():
    rng = np.random.default_rng(20240611)
    for noise in NOISES:
        for rps, rate in ((20, 0.005), (100, 0.01), (1000, 0.004)):
            for factor in (1.0, 1.5, 5.0):
                yield relative(rng, noise, rps, rate, factor, 1.5, 360, 180, 36)
            yield relative(rng, noise, rps, rate, 2.0, 3.0, 720, 360, 60)
            for factor in (0.0, 0.2, 1.0, 3.0):
                phi = float(rng.choice([1.0, 1.7, 4.0, 13.5]))
                yield absolute(rng, noise, rps, rate, factor, rate * 1.2, phi, 60, 48)
            yield control(rng, noise, rps, rate, 2.0, 1.5, 360, 36)


print("[" + ",\n".join(json.dumps(path) for path in paths()) + "]")
