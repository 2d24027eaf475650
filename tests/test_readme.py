"""The example on the first page runs as it stands."""

import re
from pathlib import Path

import cv2
import numpy as np

README = Path(__file__).parents[1] / "README.md"


def test_ten_lines(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    writer = cv2.VideoWriter("my_video.mp4", cv2.VideoWriter.fourcc(*"mp4v"), 25, (64, 48))
    for _ in range(3):
        writer.write(np.full((48, 64, 3), 128, dtype=np.uint8))
    writer.release()
    code = re.search(r"```python\n(.*?)```", README.read_text(encoding="utf-8"), re.S).group(1)
    names = {}
    exec(compile(code, "README.md", "exec"), names)  # the point of the test
    assert len(names["features"]) == 3
    assert re.match(r"\.\d{3} \[\.\d{3}, \.\d{3}\]", capsys.readouterr().out)
