"""Maximum likelihood by statsmodels, timed inside the process. It has no ridge penalty for these models."""

import statsmodels.api as sm
from folder import asked, load, repeated, tell


def main():
    folder, settings = asked()
    data = load(folder)
    x = sm.add_constant(data.x, has_constant="add")
    seconds, fit = repeated(settings, lambda: sm.Logit(data.y, x).fit(method="newton", disp=0))
    tell(seconds, fit.params[1:], fit.params[:1], iterations=fit.mle_retvals["iterations"])


if __name__ == "__main__":
    main()
