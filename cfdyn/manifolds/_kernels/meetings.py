"""Crossings of two polygonal chains in the plane: a tree of bounding boxes, compared in pairs."""

import numpy as np

from cfdyn.machine.jit import kernel, spliced

LEAF = 8  # pieces
MOST_PAIRS = 200  # of nodes that wait: twice the depth of both trees is enough


@spliced
def widen(boxes, node, x, y) -> None:
    """A node's box, so that it holds a point."""
    boxes[node, 0], boxes[node, 1] = min(boxes[node, 0], x), max(boxes[node, 1], x)
    boxes[node, 2], boxes[node, 3] = min(boxes[node, 2], y), max(boxes[node, 3], y)


@kernel
def boxes_of(points, boxes) -> None:
    """Fill the tree (2·leaves, 4) of a chain (m, 2), NaN left out: node k is above 2k and 2k + 1, leaves are the second half."""
    leaves = boxes.shape[0] // 2
    for k in range(2 * leaves):
        boxes[k, 0] = boxes[k, 2] = np.inf
        boxes[k, 1] = boxes[k, 3] = -np.inf
    for i in range(points.shape[0] - 1):
        x, y, following, above = points[i, 0], points[i, 1], points[i + 1, 0], points[i + 1, 1]
        if x == x and following == following:
            widen(boxes, leaves + i // LEAF, x, y)
            widen(boxes, leaves + i // LEAF, following, above)
    for k in range(leaves - 1, 0, -1):
        for child in (2 * k, 2 * k + 1):
            if boxes[child, 0] <= boxes[child, 1]:
                widen(boxes, k, boxes[child, 0], boxes[child, 2])
                widen(boxes, k, boxes[child, 1], boxes[child, 3])


@kernel
def crossings(a, tree_a, b, tree_b, out) -> int:
    """Rows i, u, j, v: a_i + u (a_{i+1} − a_i) = b_j + v (b_{j+1} − b_j); their number, or −1 if there are more than rows."""
    count, top, leaves, others = 0, 1, tree_a.shape[0] // 2, tree_b.shape[0] // 2
    stack = np.empty((MOST_PAIRS, 2), np.int64)
    stack[0, 0] = stack[0, 1] = 1
    while top > 0:
        top -= 1
        k, l = stack[top, 0], stack[top, 1]
        if not (tree_a[k, 0] <= tree_b[l, 1] and tree_b[l, 0] <= tree_a[k, 1]
                and tree_a[k, 2] <= tree_b[l, 3] and tree_b[l, 2] <= tree_a[k, 3]):  # fmt: skip
            continue
        if k < leaves or l < others:
            # The node higher up is divided.
            first = k < leaves and (l >= others or k <= l)
            for child in range(2):
                stack[top, 0], stack[top, 1] = (2 * k + child, l) if first else (k, 2 * l + child)
                top += 1
            continue
        for i in range((k - leaves) * LEAF, min((k - leaves + 1) * LEAF, a.shape[0] - 1)):
            for j in range((l - others) * LEAF, min((l - others + 1) * LEAF, b.shape[0] - 1)):
                ax, ay, bx, by = a[i + 1, 0] - a[i, 0], a[i + 1, 1] - a[i, 1], b[j + 1, 0] - b[j, 0], b[j + 1, 1] - b[j, 1]
                dx, dy, area = b[j, 0] - a[i, 0], b[j, 1] - a[i, 1], ax * by - ay * bx
                u, v = (dx * by - dy * bx) / area, (dx * ay - dy * ax) / area
                if 0.0 <= u < 1.0 and 0.0 <= v < 1.0:
                    if count == out.shape[0]:
                        return -1
                    out[count, 0], out[count, 1], out[count, 2], out[count, 3] = i, u, j, v
                    count += 1
    return count
