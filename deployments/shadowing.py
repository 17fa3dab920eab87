"""Experiments from where answers are made: an assignment that never fails, and a measurement that nobody waits for.

    given = await shadow.assign("trimming", tenant, unit)            control, whatever is down
    ...answer, with given.variant...
    shadow.measure(given, "trimming", "candidate", live, candidate)  in shadow: compute and compare beside it
    shadow.observe(given, "trimming", metrics)                       in canary and active: what came of it
"""


