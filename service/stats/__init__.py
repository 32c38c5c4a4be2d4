"""Numbers only: rates, intervals, ratios, cumulative incidence and evidence that may be watched."""
