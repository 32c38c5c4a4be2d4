# Answers one JSON object of questions on stdin with one of answers on stdout; numbers in full.
given <- jsonlite::fromJSON(file("stdin"), simplifyDataFrame = FALSE)
has <- function(package) requireNamespace(package, quietly = TRUE)

poisson <- function(q) {
  test <- poisson.test(q$cases, q$person_time, conf.level = q$level)
  list(limits = as.numeric(test$conf.int), p = poisson.test(q$cases, r = q$cases + 1.5)$p.value)
}
binomial <- function(q) as.numeric(binom.test(q$k, q$n, conf.level = q$level)$conf.int)
ratio <- function(q) {
  test <- poisson.test(c(q$cases, q$reference_cases), c(q$time, q$reference_time), conf.level = q$level)
  list(ratio = unname(test$estimate), limits = as.numeric(test$conf.int), p = test$p.value)
}
curve <- function(q) {
  rows <- data.frame(
    entry = q$entry, exit = q$exit,
    cause = factor(q$cause, 0:2, c("censored", "event", "competing")), id = seq_along(q$entry)
  )
  fit <- survival::survfit(survival::Surv(entry, exit, cause) ~ 1, data = rows, id = id)
  some <- rowSums(fit$n.event) > 0
  list(days = fit$time[some], estimate = fit$pstate[some, 2])
}
answers <- list(
  poisson = lapply(given$poisson, poisson),
  binomial = lapply(given$binomial, binomial),
  ratio = lapply(given$ratio, ratio)
)
if (has("survival")) answers$curve <- lapply(given$curve, curve)
cat(jsonlite::toJSON(answers, digits = NA, auto_unbox = TRUE))
