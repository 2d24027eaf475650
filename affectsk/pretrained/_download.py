"""Downloads that go on where they broke off."""

import errno
import http.client
import re
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request

from tqdm import tqdm

__all__ = ["TransferError", "download"]

_CHUNK = 1 << 16
_BACKOFF = 1.0  # seconds before the second attempt; twice as long before each further one
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_RANGE_REFUSED = 416


class TransferError(Exception):
    """A transfer failed.

    Parameters
    ----------
    reason : str
        How.
    passing : bool, default=True
        Whether another attempt may do better.
    """

    def __init__(self, reason, *, passing=True):
        super().__init__(reason)
        self.passing = passing


def download(address, path, *, timeout, n_retries, label):
    """Download a file, going on where an earlier download broke off.

    What is at `path` is taken for the beginning of the file. So the result must be checked.

    Parameters
    ----------
    address : str
        Where it is, by http or https.
    path : Path
        Where it goes.
    timeout : float
        Seconds to wait for a connection, and for each part of an answer.
    n_retries : int
        How often to try again.
    label : str
        Name in the progress bar, which shows after two seconds.

    Raises
    ------
    TransferError
        If every attempt failed, or there is no use in another one.
    """
    if not address.startswith(("https://", "http://")):
        raise TransferError("only addresses by http and https are read", passing=False)
    for attempt in range(n_retries + 1):
        try:
            _attempt(address, path, timeout, label)
            return
        except TransferError as error:
            if attempt == n_retries or not error.passing:
                raise
            sys.stderr.write(f"{label}: {error}; trying again\n")
        time.sleep(_BACKOFF * 2**attempt)


def _attempt(address, path, timeout, label):
    """Download what is missing of a file."""
    start = path.stat().st_size if path.exists() else 0
    response = _request(address, start, timeout)
    if response is None:
        return
    with response:
        if start and response.status != http.client.PARTIAL_CONTENT:
            start = 0  # the server sends all of it
        if start != _first_byte(response):
            path.unlink(missing_ok=True)
            raise TransferError("the server sent another part of the file than was asked for")
        try:
            _append(response, path, start, label)
        except OSError:  # such as a full disk, which half a file should not fill
            path.unlink(missing_ok=True)
            raise


def _append(response, path, start, label):
    """Write the content of an answer to a file from a byte on."""
    missing, received = response.length, 0
    with (
        path.open("ab" if start else "wb") as file,
        tqdm(
            desc=label,
            initial=start,
            total=missing and start + missing,
            unit="B",
            unit_scale=True,
            delay=2,
        ) as progress,
    ):
        for chunk in _chunks(response):
            file.write(chunk)
            received += len(chunk)
            progress.update(len(chunk))
    if missing is not None and received < missing:
        raise TransferError(f"the connection closed after {received} of {missing} bytes")


def _request(address, start, timeout):
    """Return the answer to a request for a file from a byte on; None if it has no more bytes."""
    headers = {"User-Agent": "affectsk"}
    if start:
        headers["Range"] = f"bytes={start}-"
    request = urllib.request.Request(address, headers=headers)
    try:
        return urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == _RANGE_REFUSED and start:
            return None
        reason = f"the server answered {error.code} ({error.reason})"
        raise TransferError(reason, passing=error.code in _PASSING) from error
    except (OSError, http.client.HTTPException) as error:
        raise _transfer_error(error) from error


def _chunks(response):
    """Yield the content of an answer, as it comes."""
    try:
        while chunk := response.read1(_CHUNK):
            yield chunk
    except (OSError, http.client.HTTPException) as error:
        raise _transfer_error(error) from error


def _transfer_error(error):
    """Say what went wrong; without a way to the server there is no use in another attempt."""
    cause = getattr(error, "reason", error)
    hopeless = isinstance(cause, socket.gaierror | ssl.SSLCertVerificationError) or getattr(
        cause, "errno", None
    ) in (errno.ENETUNREACH, errno.EHOSTUNREACH)
    return TransferError(f"{type(cause).__name__}: {cause}", passing=not hopeless)


def _first_byte(response):
    """Return the number of the first byte that an answer holds."""
    found = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    return int(found[1]) if found else 0
