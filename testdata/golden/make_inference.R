# The R side of make_inference.py, which runs it: Rscript make_inference.R JOBS ANSWERS (both JSON).
# Every job is a spec (see README.md); the answers are what R's packages say of it.
suppressPackageStartupMessages({
  library(jsonlite); library(MASS); library(sandwich); library(survey); library(car); library(glmnet)
  library(nnet); library(brglm)
})
options(survey.lonely.psu = "adjust", warn = 1)
args <- commandArgs(TRUE)
jobs <- fromJSON(args[1], simplifyVector = FALSE)
control <- glm.control(epsilon = 1e-15, maxit = 100)
flat <- function(v) unname(unlist(v))

rows_of <- function(s) {
  d <- read.csv(file.path("..", paste0(s$case, ".csv")), check.names = FALSE, colClasses = "character", na.strings = character(0))
  d$`.i` <- seq_len(nrow(d)) - 1
  cats <- flat(s$categorical); nums <- flat(s$numeric)
  used <- c(flat(s$target), nums, cats)
  bad <- Reduce(`|`, lapply(used, function(c) d[[c]] %in% c("", flat(s$na_values))))
  d <- d[!bad, ]
  for (c in names(s$filter)) d <- d[d[[c]] %in% flat(s$filter[[c]]), ]
  for (c in nums) d[[c]] <- as.numeric(d[[c]])
  for (c in cats) d[[c]] <- factor(d[[c]], levels = sort(unique(d[[c]]), method = "radix"))
  if (!is.null(s$positive)) d$`.y` <- as.integer(d[[s$target]] == s$positive)
  at <- function(f) eval(parse(text = gsub("mod", "%%", f)), list(i = d$`.i`))
  d$`.w` <- if (is.null(s$weight_formula)) rep(1, nrow(d)) else at(s$weight_formula)
  d$`.o` <- if (!is.null(s[["offset"]])) as.numeric(d[[s[["offset"]]]]) else if (!is.null(s$offset_formula)) at(s$offset_formula) else rep(0, nrow(d))
  d
}
formula_of <- function(s, y = ".y") {
  terms <- c(flat(s$numeric), flat(s$categorical))
  quoted <- paste0("`", terms, "`")
  as.formula(paste0(y, " ~ ", paste(quoted, collapse = " + "), if (isFALSE(s$intercept)) " - 1" else ""), env = globalenv())
}
fit_of <- function(s, d, method = glm) {
  d <<- d; f <- formula_of(s)
  suppressWarnings(eval(bquote(glm(.(f), data = d, family = binomial(), weights = .w, offset = .o, control = control))))
}

answer <- function(s) {
  d <- rows_of(s)
  out <- list()
  if (s$group == "likelihood_ratio") {
    m <- fit_of(s, d)
    t <- suppressWarnings(drop1(m, test = "LRT"))
    out$terms <- sub("`(.*)`", "\\1", rownames(t)[-1]); out$chi2 <- t$LRT[-1]; out$df <- t$Df[-1]; out$p <- t$`Pr(>Chi)`[-1]
  } else if (s$group == "profile") {
    m <- fit_of(s, d)
    ci <- suppressMessages(suppressWarnings(confint(m)))
    out$low <- unname(ci[, 1]); out$high <- unname(ci[, 2])
  } else if (s$group == "covariance") {
    m <- fit_of(s, d)
    out$coef <- unname(coef(m)); out$se_model <- unname(sqrt(diag(vcov(m))))
    if (is.null(s$weight_formula)) {
      out$se_hc0 <- unname(sqrt(diag(vcovHC(m, type = "HC0"))))
      out$se_hc1 <- unname(sqrt(diag(vcovHC(m, type = "HC1"))))
      if (!is.null(s$cluster)) {
        g <- d[[s$cluster]]
        out$se_cluster <- unname(sqrt(diag(vcovCL(m, cluster = g, type = "HC0", cadjust = TRUE))))
        out$se_cluster_hc1 <- unname(sqrt(diag(vcovCL(m, cluster = g, type = "HC1", cadjust = TRUE))))
      }
    } else if (s$weight_kind == "sampling") {
      d <<- d; d <- d; f <- formula_of(s)
      ids <- if (is.null(s$cluster)) ~1 else as.formula(paste0("~`", s$cluster, "`"))
      design <- svydesign(ids = ids, weights = ~.w, data = d)
      v <- suppressWarnings(svyglm(f, design = design, family = quasibinomial(), control = control))
      out$coef_svyglm <- unname(coef(v)); out$se_svyglm <- unname(sqrt(diag(vcov(v))))
    }
  } else if (s$group == "collinearity") {
    m <- fit_of(s, d)
    v <- vif(m)
    if (is.matrix(v)) { out$terms <- rownames(v); out$gvif <- unname(v[, 1]); out$df <- unname(v[, 2]) } else
      { out$terms <- names(v); out$gvif <- unname(v); out$df <- rep(1, length(v)) }
    out$terms <- sub("`(.*)`", "\\1", out$terms)
  } else if (s$group == "influence") {
    m <- fit_of(s, d)
    out <- list(leverage = hatvalues(m), pearson = residuals(m, "pearson"), deviance = residuals(m, "deviance"),
      pearson_std = rstandard(m, type = "pearson"), deviance_std = rstandard(m, type = "deviance"),
      rstudent = rstudent(m), cook = cooks.distance(m))
    out <- lapply(out, unname)
  } else if (s$group == "effects") {
    # Effects as a function of the coefficients, differentiated numerically.
    m <- fit_of(s, d); f <- delete.response(terms(m)); levels <- m$xlevels; b <- coef(m); v <- vcov(m)
    eta <- function(data, b) drop(model.matrix(f, data, xlev = levels) %*% b)
    one <- function(effect) {
      g <- sapply(seq_along(b), function(j) {
        h <- 1e-3 * sqrt(v[j, j]); e <- function(t) { c <- b; c[j] <- c[j] + t * h; effect(c) }
        (8 * (e(1) - e(-1)) - (e(2) - e(-2))) / (12 * h)
      })
      c(effect(b), sqrt(drop(g %*% v %*% g)))
    }
    mean_of <- function(x) sum(d$.w * x) / sum(d$.w)
    out$name <- c(); out$ame <- c(); out$se <- c()
    add <- function(name, effect) { r <- one(effect); out$name <<- c(out$name, name); out$ame <<- c(out$ame, r[1]); out$se <<- c(out$se, r[2]) }
    for (c in flat(s$numeric)) {
      at <- match(c, gsub("`", "", names(b)))
      add(c, function(b) mean_of(dlogis(eta(d, b)) * b[at]))
    }
    for (c in flat(s$categorical)) for (l in levels(d[[c]])[-1]) {
      high <- d; high[[c]] <- factor(l, levels = levels(d[[c]])); low <- d; low[[c]] <- factor(levels(d[[c]])[1], levels = levels(d[[c]]))
      x1 <- model.matrix(f, high, xlev = levels); x0 <- model.matrix(f, low, xlev = levels)
      add(paste0(c, "[", l, "]"), function(b) mean_of(plogis(drop(x1 %*% b)) - plogis(drop(x0 %*% b))))
    }
  } else if (s$group == "offset") {
    m <- fit_of(s, d)
    out$coef <- unname(coef(m)); out$se <- unname(sqrt(diag(vcov(m)))); out$loglik <- as.numeric(logLik(m))
    out$null_deviance <- m$null.deviance; out$deviance <- m$deviance
  } else if (s$group == "penalised") {
    x <- as.matrix(read.csv(s$matrix, header = FALSE)); y <- scan(s$y_file, quiet = TRUE); w <- scan(s$w_file, quiet = TRUE)
    pf <- as.numeric(flat(s$penalty_factor)); lambda <- s$lambda * sum(pf) / length(pf)
    low <- as.numeric(flat(s$lower)); high <- as.numeric(flat(s$upper))
    # A path down to the wanted penalty, as glmnet asks; its last point is the answer.
    m <- glmnet(x, y, family = "binomial", alpha = s$alpha, lambda = lambda * 2^seq(6, 0, -0.5), weights = w, standardize = s$standardize,
      penalty.factor = pf, lower.limits = low, upper.limits = high, thresh = 1e-15, maxit = 1e7)
    out$coef <- as.numeric(coef(m, s = lambda, exact = FALSE)); out$npasses <- m$npasses
  } else if (s$group == "lambda_max") {
    x <- as.matrix(read.csv(s$matrix, header = FALSE)); y <- scan(s$y_file, quiet = TRUE)
    w <- scan(s$w_file, quiet = TRUE); pf <- as.numeric(flat(s$penalty_factor))
    m <- glmnet(x, y, family = "binomial", alpha = s$alpha, standardize = s$standardize, weights = w, penalty.factor = pf, nlambda = 5, thresh = 1e-15, maxit = 1e7)
    out$lambda1 <- m$lambda[1]
    f <- glmnet(x, y, family = "binomial", alpha = s$alpha, standardize = s$standardize, weights = w, penalty.factor = pf,
      lambda = as.numeric(flat(s$lambdas)), thresh = 1e-15, maxit = 1e7)
    out$coef <- lapply(seq_along(f$lambda), function(j) as.numeric(coef(f)[, j]))
  } else if (s$group == "mlogit") {
    d$`.t` <- relevel(factor(d[[s$target]], levels = sort(unique(d[[s$target]]), method = "radix")), ref = s$base)
    d <<- d; f <- formula_of(s, ".t")
    m <- eval(bquote(multinom(.(f), data = d, weights = .w, trace = FALSE, abstol = 1e-15, reltol = 1e-15, maxit = 5000, Hess = TRUE)))
    c <- coef(m); if (!is.matrix(c)) c <- matrix(c, 1)
    out$coef <- unname(c); out$se <- unname(matrix(sqrt(diag(vcov(m))), nrow(c), byrow = TRUE)); out$loglik <- as.numeric(logLik(m))
    scale <- 1 / sqrt(diag(m$Hessian))
    v <- solve(m$Hessian * outer(scale, scale), tol = 0) * outer(scale, scale)
    out$se_solve <- unname(matrix(sqrt(diag(v)), nrow(c), byrow = TRUE))
  } else if (s$group == "firth") {
    d <<- d; f <- formula_of(s)
    m <- eval(bquote(brglm(.(f), data = d, family = binomial(), control.brglm = brglm.control(br.epsilon = 1e-12, br.maxit = 1000))))
    out$coef <- unname(coef(m)); out$se <- unname(sqrt(diag(vcov(m))))
  }
  out
}
answers <- lapply(jobs, function(s) tryCatch(answer(s), error = function(e) list(error = conditionMessage(e))))
write(toJSON(answers, digits = I(17), auto_unbox = TRUE, null = "null"), args[2])
