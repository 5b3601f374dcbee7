"""Writes special.json: values of special functions by scipy and mpmath, for `tests/special.rs`.

Usage: python3 make_special.py > special.json   (needs mpmath, numpy and scipy)

The incomplete gamma function is summed with 50 digits, since scipy's is off by up to 1e-4 in the tails of large
shapes: for 3,000,000 at 2987832.1044892156 it says 0.99999999999960e-12, and 1.00013018e-12 is right.
"""
import json

import mpmath
from scipy import special, stats

SHAPES = [0.05, 0.5, 1.0, 1.7, 5.5, 12.0, 40.25, 333.0, 2500.5, 1e5, 3e6]
TAILS = [1e-12, 1e-6, 0.01, 0.05, 0.3, 0.5, 0.9, 0.999]


def gamma_tails(a, x):
    """Both regularised tails, by the series of the lower one."""
    mpmath.mp.dps = 50
    a, x = mpmath.mpf(a), mpmath.mpf(x)
    term = total = mpmath.mpf(1)
    n = a
    while term > total * mpmath.mpf(10) ** -45:
        n += 1
        term *= x / n
        total += term
    lower = mpmath.exp(a * mpmath.log(x) - x - mpmath.loggamma(a + 1)) * total
    return float(lower), float(1 - lower)


def gamma():
    for a in SHAPES:
        for q in TAILS:
            x = float(special.gammaincinv(a, q))
            if x > 1e-290:
                yield [a, x, *gamma_tails(a, x)]


def beta():
    for a in SHAPES:
        for b in SHAPES:
            for q in TAILS:
                x = float(special.betaincinv(a, b, q))
                if 1e-290 < x < 0.99:
                    yield [a, b, x, float(special.betainc(a, b, x)), float(special.betaincc(a, b, x))]


document = {
    "gamma": list(gamma()),
    "beta": list(beta()),
    "chiSquared": [[q, d, float(stats.chi2.ppf(q, d))] for q in (0.01, 0.1, 0.25, 0.5, 0.99)
                   for d in (1, 2, 7, 14, 35, 179, 1439)],
    "normal": [[p, float(stats.norm.ppf(p))] for p in (1e-300, 1e-12, 0.01, 0.05, 0.3, 0.5, 0.8, 0.999, 1 - 1e-9)],
}
print(json.dumps(document))
