# The lasso's path and its cross-validation by glmnet, timed inside the process, over the penalties of `penalties.f64`:
# `Rscript fit_glmnet.R FOLDER FOLDS THRESH` prints one JSON object, as the other peers do.
suppressPackageStartupMessages(library(glmnet))
typed <- commandArgs(trailingOnly = TRUE)
folder <- typed[1]
numbers <- function(name) {
  path <- file.path(folder, name)
  readBin(path, "double", file.size(path) / 8, endian = "little")
}
y <- numbers("y.f64")
x <- t(matrix(numbers("x.f64"), ncol = length(y)))
penalties <- numbers("penalties.f64")
set.seed(0)
seconds <- system.time(
  found <- cv.glmnet(x, y,
    family = "binomial", lambda = penalties, nfolds = as.integer(typed[2]), thresh = as.numeric(typed[3])
  )
)[["elapsed"]]

# All digits of a double.
listed <- function(values) paste0("[", paste(sprintf("%.17g", values), collapse = ","), "]")
path <- found$glmnet.fit
weight <- as.matrix(path$beta)
point <- function(k) {
  sprintf('{"l1":%.17g,"weight":%s,"bias":%s}', path$lambda[k], listed(weight[, k]), listed(path$a0[k]))
}
points <- paste(vapply(seq_along(path$lambda), point, ""), collapse = ",")
cat(sprintf('{"seconds":%s,"path":[%s],"chosen_l1":%.17g}\n', listed(seconds), points, found$lambda.min))
