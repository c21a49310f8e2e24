"""Explains a call that got no answer: where it failed, and whether the request may have been sent."""

import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp

from di_assets.providers.types import Cause, Endpoint, FaultKind, TransportFault


@dataclass(frozen=True, slots=True)
class _Failed:
    """Where a call failed: the words for it, its cause and kind, whether it may have been sent, whether it may pass."""

    why: str
    cause: Cause | None = None
    kind: FaultKind = "connection"
    sent: bool = False
    passes: bool = True


def unanswered(endpoint: Endpoint, url: str, error: BaseException, *, left: bool) -> TransportFault:
    """The fault of a call that could not be made, or whose connection was closed before an answer came.

    A request is free only if it failed before the connection was open: then it was certainly not sent.

    Args:
        endpoint: the endpoint that was called.
        url: its address.
        error: the error of the SDK; the transport's error is among its causes.
        left: the request may have been sent.
    """
    host = urlsplit(url).netloc
    failed = _failed(host, _chain(error))
    if failed.sent and not left:
        proxied = _is_proxied(url)
        why = f"{'the proxy' if proxied else host} cut it before anything was sent"
        failed = _Failed(why, cause="proxy" if proxied else None)
    return TransportFault(
        f"{endpoint.name}: no connection: {failed.why}",
        kind=failed.kind,
        cause=failed.cause,
        perhaps_paid=failed.sent,
        retryable=failed.passes,
    )


def _failed(host: str, chain: list[BaseException]) -> _Failed:
    match next((link for link in chain if isinstance(link, aiohttp.ClientError)), None):
        case aiohttp.ClientHttpProxyError(status=status):
            why = f"the proxy refused to connect to {host} (HTTP {status})"
            failed = _Failed(why, cause="proxy", passes=status not in {401, 403, 407})
        case aiohttp.ClientProxyConnectionError():
            failed = _Failed("the proxy that the environment names is not reached", cause="proxy")
        case aiohttp.ClientConnectorCertificateError():
            failed = _Failed(_certificate(host, chain), cause="certificate", passes=False)
        case aiohttp.ClientConnectorSSLError():
            why = f"{host} does not speak TLS as expected ({_reason(chain)})"
            failed = _Failed(why, cause="tls", passes=False)
        case aiohttp.ClientConnectorDNSError():
            failed = _Failed(f"no host named {host} is known", cause="host")
        case aiohttp.ClientConnectorError():
            failed = _Failed(_refusal(host, chain), cause="refused")
        case aiohttp.ClientResponseError():
            failed = _Failed(f"{host} answers what is no HTTP", kind="broken_reply", sent=True)
        case aiohttp.ConnectionTimeoutError():
            failed = _Failed(f"{host} took none in time", kind="timeout")
        case aiohttp.InvalidURL():
            failed = _Failed(f"{host} can be no address", cause="host", passes=False)
        case _:
            failed = _Failed(f"{host} cut it before an answer came", sent=True)
    return failed


def _is_proxied(url: str) -> bool:
    """Whether the environment names a proxy for this address."""
    split, proxies = urlsplit(url), getproxies()
    return bool({split.scheme, "all"} & set(proxies)) and not proxy_bypass(split.hostname or "")


def _chain(error: BaseException | None) -> list[BaseException]:
    chain: list[BaseException] = []
    while error is not None and error not in chain:
        chain.append(error)
        error = error.__cause__ or error.__context__
    return chain


def _certificate(host: str, chain: list[BaseException]) -> str:
    """Why the TLS library on this machine rejects the certificate; no text of the server is in it."""
    messages = (getattr(link, "verify_message", None) for link in _with_inner(chain))
    why = next((text for text in messages if isinstance(text, str)), "")
    if "ostname mismatch" in why or "IP address mismatch" in why:
        return f"the certificate is for another host than {host}"
    return f"the certificate of {host} is not trusted{f' ({why})' if why else ''}"


def _reason(chain: list[BaseException]) -> str:
    errors = [link for link in _with_inner(chain) if isinstance(link, ssl.SSLError)]
    return str(errors[0].reason or "no reason given").lower().replace("_", " ") if errors else "no reason given"


def _refusal(host: str, chain: list[BaseException]) -> str:
    errors = [link for link in _with_inner(chain) if isinstance(link, OSError)]
    refused = any(isinstance(link, ConnectionRefusedError) for link in errors)
    return f"{host} refuses it" if refused else f"{host} is not reached"


def _with_inner(chain: list[BaseException]) -> list[BaseException]:
    """The chain of errors, followed by the errors that aiohttp stores in attributes of its own errors."""
    inner: list[Any] = [getattr(link, name, None) for link in chain for name in ("os_error", "certificate_error")]
    return [*chain, *(link for link in inner if isinstance(link, BaseException))]
