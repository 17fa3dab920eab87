"""/queue: what is being brought in; moderators try again or take out what was given up."""

import time
from collections.abc import AsyncIterator

from bot import errors, render_queue
from bot.arguments import Choice, Text
from bot.command import Call, Command
from bot.page import Page, Progress
from core.results import Ok

ACTION = Choice("action", "What to do; list if left out.", options=("list", "retry", "drop"))
JOB = Text("job", "Which job, by the id in the list; all that were given up if left out.", max_chars=200)
ALL = "all"


async def run(call: Call) -> AsyncIterator[Progress | Page]:
    action, job = call[ACTION], call[JOB] or ALL
    if action == "list":
        listed = await call.curator.queue(call.tenant)
        yield render_queue.queue(listed.data, time.time()) if isinstance(listed, Ok) else errors.page(listed)
        return
    call.only_moderators(f"/queue {action} is")
    if action == "retry":
        moved, done = await call.curator.retry(call.tenant, job), "tried again"
    else:
        moved, done = await call.curator.drop(call.tenant, job), "taken out of the queue"
    yield render_queue.moved(moved.data, done) if isinstance(moved, Ok) else errors.page(moved)


COMMAND = Command("queue", "Show what is being brought in; retry or drop what was given up.", run, (ACTION, JOB))
