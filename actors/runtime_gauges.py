"""What Ray's dashboard and Prometheus are shown of each shard."""

from ray.util.metrics import Gauge

from core.supervision import Watch


class ShardGauges:
    """One gauge for each number that tells how a shard is, tagged by its name. Belongs to the process that made it."""

    def __init__(self) -> None:
        def gauge(name: str, description: str) -> Gauge:
            return Gauge(f"bot_shard_{name}", description, tag_keys=("shard",))

        self._well = gauge("well", "1 where the shard answers and delivers what is due, else 0.")
        self._replaced = gauge("replaced", "How often the supervisor has replaced it lately.")
        self._resident = gauge("resident", "Entities in memory.")
        self._waiting = gauge("waiting", "Calls inside.")
        self._calls = gauge("calls_per_second", "Calls answered each second.")
        self._overdue = gauge("overdue_seconds", "How late the oldest delivery is.")

    def __call__(self, shard: str, watch: Watch) -> None:
        """Show how the shard is now."""
        tags, pulse = {"shard": shard}, watch.pulse
        self._well.set(float(watch.well), tags)
        self._replaced.set(float(watch.replaced), tags)
        self._resident.set(float(pulse.resident if pulse else 0), tags)
        self._waiting.set(float(pulse.waiting if pulse else 0), tags)
        self._calls.set(pulse.calls_per_s if pulse else 0.0, tags)
        self._overdue.set(pulse.overdue_s if pulse else 0.0, tags)
