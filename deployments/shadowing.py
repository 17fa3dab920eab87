"""Experiments from where answers are made: an assignment that never fails, and a measurement that nobody waits for.

    given = await shadow.assign("trimming", tenant, unit)            control, whatever is down
    ...answer, with given.variant...
    shadow.measure(given, "trimming", "candidate", live, candidate)  in shadow: compute and compare beside it
    shadow.observe(given, "trimming", metrics)                       in canary and active: what came of it
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from core.errors import BotError
from core.experiment_messages import Assigned
from core.experiment_plans import CONTROL, ERROR, LATENCY_MS
from core.experiment_ports import Assignments
from deployments.background import Background
