"""The measurements of a watch: the share of the edge with what belongs to it, each begun where the last one ended."""

from __future__ import annotations

import math
from typing import Any

from cfdyn.watching.edge import Memory
from cfdyn.watching.leading import leading

SAME = 0.9  # cosine of two leading directions that are the same one
MOST_PIECES = 8  # batches of the probe on which the mean-square share is estimated
MEAN = 2.0  # times: what the mean over pieces may differ from the whole, if the loss is a mean over rows
LEAST = 1e-30  # of the scale


class Measuring:
    """``memory``, ``layers`` and ``along``, what the bounce is followed along, are those of the last measurement."""

    def __init__(self, subject: Any, batch: int | None):
        self.subject, self.batch = subject, batch
        self.memory: Memory | None = None
        self.layers: dict[str, float] = {}
        self.along: Any = None
        self.remark = ""
        self._direction: Any = None
        self._share = math.nan

    def row(self) -> tuple[dict[str, float], bool]:
        """What is logged, and whether the direction is another one than before. Of a diverged run the loss alone."""
        subject, value = self.subject, self.subject.value()
        if not math.isfinite(value):
            return {"probe/loss": math.inf}, False
        if (edges := subject.edges()) is None:
            return {}, False
        scale, decay = subject.scale(edges)
        root = scale.clip(LEAST) ** 0.5
        memories, averages = ({getattr(one, name) for one in edges} for name in ("memory", "averaging"))
        self.memory = memories.pop() if len(memories) == 1 else None
        with subject.measuring():
            vector, row = self._leading(root, decay)
            direction = vector / root
            row |= self._on_fresh_rows(row["edge/share"], direction, decay)
            row |= self._mean_square(row["edge/share"], direction, root, decay)
        square = float(direction @ direction)
        row |= {
            "edge/curvature": row["edge/share"] / square, "edge/scale": 1 / square, "edge/median_scale": subject.median(scale),
            "probe/loss": value,
        }  # fmt: skip
        if len(averages) == 1 and (steps := averages.pop()) is not None:
            row["edge/averaging"] = steps
        if self.memory is not None:
            row["edge/growth"] = self.memory.growth(row["edge/share"])
        self._direction, self._share, self.layers = direction, row["edge/share"], subject.layers(direction)
        return row, self._turned(vector * root)

    def _leading(self, root: Any, decay: Any) -> tuple[Any, dict[str, float]]:
        """The leading vector of (Pθ)^−½ H (Pθ)^−½, and by what the share has changed along the last one."""
        on_probe, warm = self.subject.products("probe"), self._direction is not None
        start = self._direction * root if warm else self.subject.random_direction()
        stretched = float(start @ start)
        found = leading(lambda v: (on_probe(v / root) + decay * (v / root)) / root, start, warm)
        row = {"edge/share": found.value, "edge/residual": found.residual, "edge/products": found.products}
        if warm and found.first > 0 and self._share > 0 and stretched > 0:  # of the last direction w: wᵀPw = 1, wᵀHw = share then
            row |= {"edge/by_curvature": math.log(found.first * stretched / self._share), "edge/by_scale": -math.log(stretched)}
        return found.vector, row

    def _on_fresh_rows(self, share: float, direction: Any, decay: Any) -> dict[str, float]:
        if self.subject.rows["fresh"] is None:
            return {}
        fresh = float(direction @ (self.subject.products("fresh")(direction) + decay * direction))
        return {"edge/low": min(share, fresh), "edge/high": max(share, fresh)}

    def _mean_square(self, share: float, direction: Any, root: Any, decay: Any) -> dict[str, float]:
        """By the variance of products on pieces of the probe, each of a batch's size."""
        if self.batch is None or self.remark:
            return {}
        count, memory = self.subject.count(), self.memory
        pieces = [slice(k, k + self.batch) for k in range(0, count - self.batch + 1, self.batch)][:MOST_PIECES]
        if len(pieces) < 2 or memory is None or memory.direct != 0:
            self.remark = (f"the probe has fewer than two batches of {self.batch} rows" if len(pieces) < 2
                           else "the mean-square edge of this momentum is not known")  # fmt: skip
            return {}
        images = [self.subject.products("probe", piece)(direction) / root for piece in pieces]
        mean = sum(images[1:], images[0]) / len(images)
        along = float(mean @ (direction * root)) + float(direction @ (decay * direction))
        if not share / MEAN < along < share * MEAN:
            self.remark = "the loss on pieces of the probe is not that of the whole: the mean-square edge needs a mean over rows"
            return {}
        variance = sum(float((one - mean) @ (one - mean)) for one in images) / (len(images) - 1)
        kappa = variance / share**2
        return {"edge/mean_square": share * (1 + kappa * (1 + memory.beta) / (1 - memory.beta))}

    def _turned(self, along: Any) -> bool:
        before = self.along
        if before is not None and abs(float(along @ before)) >= SAME * (float(along @ along) * float(before @ before)) ** 0.5:
            return False
        self.along = along
        return True
