"""Labels that cover neither each other nor what is drawn: tries places around a point, takes the first free one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox
from numpy.typing import NDArray

AROUND = ((0, 9), (0, -9), (12, 5), (-12, 5), (12, -5), (-12, -5), (0, 24), (0, -24), (40, 12), (-40, 12), (0, 40))
FAR = 20  # points: from here on a line leads to the label
BESIDE = ((8, 0), (-8, 0))
HALO = [withStroke(linewidth=2.5, foreground="white")]


@dataclass(frozen=True, slots=True, kw_only=True)
class PointLabel:
    """Words for a point in data coordinates; offsets in points (1/72 inch) from it, the best first."""

    x: float
    y: float
    words: str
    color: str
    offsets: Sequence[tuple[float, float]] = AROUND


def place_labels(
    axes: Axes, labels: Sequence[PointLabel], drawn: Sequence[tuple[float, float]], *, strict: bool
) -> None:
    """Write each label where it covers no other label and no drawn point (data coordinates), inside the axes.

    Where every place covers something drawn, the one that covers least is taken, or with strict none.
    """
    axes.autoscale_view()  # limits are computed lazily, and every place depends on them
    renderer = axes.get_figure(root=True).canvas.get_renderer()  # type: ignore[union-attr]  # ours are Agg canvases
    inside = axes.get_window_extent(renderer)
    points = axes.transData.transform(
        np.asarray(drawn, dtype=float).reshape(-1, 2)
    )  # nan, a gap in a line, covers nothing
    taken: list[Bbox] = []
    for label in labels:
        tried: list[tuple[int, Annotation, Bbox]] = []
        for offset in label.offsets:
            text = _write(axes, label, *offset)
            box = text.get_window_extent(renderer).padded(2)
            if any(box.overlaps(other) for other in taken) or not _within(box, inside):
                text.remove()
                continue
            tried.append((_covered(points, box), text, box))
            if tried[-1][0] == 0:
                break
        tried.sort(key=lambda attempt: attempt[0])
        keep = tried[:1] if tried and not (strict and tried[0][0]) else []
        taken += [box for _, _, box in keep]
        for _, text, _ in tried[len(keep) :]:
            text.remove()


def _write(axes: Axes, label: PointLabel, right: float, up: float) -> Annotation:
    return axes.annotate(
        label.words,
        (label.x, label.y),
        xytext=(right, up),
        textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": label.color, "linewidth": 0.8, "shrinkA": 0} if abs(up) > FAR else None,
        color=label.color,
        size=9.5,
        weight="bold",
        ha="left" if right > 0 else "right" if right < 0 else "center",
        va="bottom" if up > 0 else "top" if up < 0 else "center",
        path_effects=HALO,
        zorder=8,
    )


def _covered(points: NDArray[np.float64], box: Bbox) -> int:
    x, y = points[:, 0], points[:, 1]
    return int(((x > box.x0) & (x < box.x1) & (y > box.y0) & (y < box.y1)).sum())


def _within(box: Bbox, frame: Bbox) -> bool:
    return bool(frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1)
