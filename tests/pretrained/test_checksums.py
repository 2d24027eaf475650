"""Checksums against those of git and of the formula."""

import hashlib
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from affectsk.pretrained import git_blob_sha1


@given(content=st.binary(max_size=5000))
def test_formula(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "content"
    path.write_bytes(content)
    expected = hashlib.sha1(f"blob {len(content)}".encode() + bytes(1) + content).hexdigest()
    assert git_blob_sha1(path) == expected


@pytest.mark.skipif(not shutil.which("git"), reason="needs git")
@pytest.mark.parametrize(
    "content", [b"", b"a\r\n\0b", bytes(3_000_000)], ids=["empty", "short", "long"]
)
def test_git(tmp_path, content):
    path = tmp_path / "content"
    path.write_bytes(content)
    command = ["git", "hash-object", "--no-filters", str(path)]
    expected = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert git_blob_sha1(str(path)) == expected
