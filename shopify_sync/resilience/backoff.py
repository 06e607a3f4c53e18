"""Waiting longer after each failure, at random within the wait so that many clients do not come back together."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


@dataclass(slots=True)
class Backoff:
    """Exponential with full jitter: attempt n waits between 0 and `base_s` · 2ⁿ⁻¹ seconds, at most `cap_s`."""

    base_s: float = 0.5
    cap_s: float = 20.0
    random: random.Random = field(default_factory=random.Random)

    def delay(self, attempt: int) -> float:
        """Seconds to wait after failed attempt number `attempt` (from 1)."""
        return self.random.uniform(0, min(self.cap_s, self.base_s * 2 ** (attempt - 1)))
