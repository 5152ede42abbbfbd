"""Fits of LIBLINEAR by its own Python package, timed inside the process.

It penalises the intercept, as the weight of one more column; a large constant in that column makes the penalty small.
"""

from folder import asked, load, repeated, tell
from liblinear.liblinearutil import parameter, problem, train

CONSTANT = 100


def main():
    folder, settings = asked()
    data = load(folder)
    strength = 1 / (settings["l2"] * len(data.y))
    options = f"-q -s {settings['solver']} -c {strength!r} -B {CONSTANT}"
    if "tol" in settings:
        options += f" -e {settings['tol']}"
    # The copy into LIBLINEAR's own rows is not part of the fit.
    rows = problem(data.y, data.x, bias=CONSTANT)
    seconds, model = repeated(settings, lambda: train(rows, parameter(options)))
    weight, bias = model.get_decfun()
    # The first label that it met counts as positive.
    sign = 1 if model.get_labels()[0] == 1 else -1
    weight = [sign * w for w in weight]
    weight += [0.0] * (data.x.shape[1] - len(weight))
    tell(seconds, weight, [sign * bias])


if __name__ == "__main__":
    main()
