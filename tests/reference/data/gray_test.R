# Gray's test by cmprsk, on random times with many ties: Rscript gray_test.R > gray_test.json
library(cmprsk)
library(jsonlite)
set.seed(1)
sizes <- c(40, 60, 200, 30, 50, 120, 80, 15)
groups <- c(2, 3, 2, 4, 2, 3, 5, 2)
longest <- c(20, 50, 300, 8, 400, 30, 60, 5)
cases <- lapply(seq_along(sizes), function(k) {
  time <- sample(0:longest[k], sizes[k], TRUE)
  cause <- sample(0:2, sizes[k], TRUE)
  group <- sample(1:groups[k], sizes[k], TRUE)
  test <- cuminc(time, cause, group)$Tests
  list(time = time, cause = cause, group = group,
       statistic = test[1, 1], p_value = test[1, 2], df = test[1, 3])
})
cat(toJSON(cases, digits = I(17), auto_unbox = TRUE), "\n")
