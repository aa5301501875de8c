"""The solar curve, computed independently of the controller."""
import math
from datetime import datetime, timedelta, timezone

# Limits are multiples of the hardware's eighth of a watt.
STEP_UW = 125_000


class Curve:
    """One that is steep and rises now: in a time zone where it is about 08:00, and with a peak that makes it 90 W."""

    alpha = 16

    def __init__(self):
        now = datetime.now(timezone.utc)
        # Etc/GMT+3 is three hours behind Greenwich. There are zones from 12 hours behind to 14 ahead.
        self.behind = round((now.hour + now.minute / 60 - 8 + 12) % 24 - 12)
        self.peak_uw = round(90_000_000 / self.shape(now))
        zone = f"Etc/GMT{self.behind:+d}" if self.behind else "Etc/GMT"
        self.environment = {"TIMEZONE": zone, "ALPHA": str(self.alpha), "MAX_SOURCE": str(self.peak_uw), "SOURCE": "solar"}

    def shape(self, time):
        local = time.astimezone(timezone(timedelta(hours=-self.behind)))
        hours = local.hour + local.minute / 60 + (local.second + local.microsecond / 1e6) / 3600
        return math.sin(math.pi / 16 * (hours - 4)) ** self.alpha if 4 <= hours <= 20 else 0

    def allows(self, change):
        """Whether a limit is the curve's, at the second that its line names, rounded down to the hardware's step."""
        second = datetime.fromisoformat(change["time"])
        low, high = (self.peak_uw * self.shape(second + timedelta(seconds=end)) for end in [-1, 1])
        return low - STEP_UW < int(change["in_force_uw"]) <= high
