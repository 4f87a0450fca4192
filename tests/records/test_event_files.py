"""Event files of TensorBoard, against bytes written by the format's rules, and against TensorBoard's own writer where it is."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from cfdyn.errors import UsageError
from cfdyn.records.event_files import read_events
from cfdyn.records.logs import read_columns


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def field(number, kind, content):
    return varint(number << 3 | kind) + (varint(len(content)) + content if kind == 2 else content)


def event(step, tag, value, tensor=False):
    if tensor:  # as Keras and `new_style` write it: a tensor of one float
        number = field(8, 2, field(1, 0, varint(1)) + field(2, 2, b"") + field(4, 2, struct.pack("<f", value)))
    else:
        number = field(2, 5, struct.pack("<f", value))
    summary = field(1, 2, field(1, 2, tag.encode()) + number)
    body = field(1, 1, struct.pack("<d", 1.7e9)) + field(2, 0, varint(step)) + field(5, 2, summary)
    return struct.pack("<Q", len(body)) + b"\0" * 4 + body + b"\0" * 4


FIRST = struct.pack("<Q", 24) + b"\0" * 4 + field(1, 1, struct.pack("<d", 1.7e9)) + field(3, 2, b"brain.Event:2") + b"\0" * 4


def test_scalars_by_step(tmp_path):
    file = tmp_path / "events.out.tfevents.1.host"
    content = FIRST + b"".join(event(300 * k, "train/loss", 1 / (k + 1)) + event(300 * k, "lr", 0.5, tensor=True) for k in range(20))
    file.write_bytes(content)
    found = read_columns(file)
    assert found.clock == "step" and found.at.tolist() == [300.0 * k for k in range(20)] and found.names == ("train/loss", "lr")
    np.testing.assert_array_equal(found.table, [[np.float32(1 / (k + 1)), 0.5] for k in range(20)])
    assert read_events(tmp_path) == read_events(file)
    file.write_bytes(content[:-5])  # while a run goes on
    assert len(read_events(file)) == 20 and "lr" not in read_events(file)[-1]
    for wrong in (b"", content[:9], b"step,loss\n1,2\n" * 9, FIRST[:12] + b"\xff" * 24 + b"\0" * 4):
        file.write_bytes(wrong)
        if wrong:
            with pytest.raises(UsageError, match="no event file of TensorBoard"):
                read_events(file)
    with pytest.raises(UsageError, match="there is no file"):
        read_events(tmp_path / "none")


def test_those_of_tensorboard_itself(tmp_path):
    pytest.importorskip("tensorboard", reason="tensorboard is not installed")
    pytest.importorskip("torch", reason="torch is not installed")
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(tmp_path)
    for k in range(30):
        writer.add_scalar("loss", 0.1 * k, 7 * k)
        writer.add_scalar("edge/share", 0.5, 7 * k, new_style=True)
        writer.add_text("words", "none", k)
        writer.add_histogram("weights", np.arange(5.0), k)
    writer.close()
    found = read_columns(tmp_path)
    assert found.at.tolist() == [7.0 * k for k in range(30)] and set(found.names) == {"loss", "edge/share"}
    np.testing.assert_array_equal(found.table[:, found.names.index("loss")], np.float32(0.1 * np.arange(30)))
