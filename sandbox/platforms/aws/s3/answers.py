"""S3's XML answers and errors.

Codes: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
"""

from __future__ import annotations

import secrets
import time
import xml.etree.ElementTree as ET

from aiohttp import web

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_STATUS = {
    "AccessDenied": 403, "SignatureDoesNotMatch": 403, "InvalidAccessKeyId": 403, "RequestTimeTooSkewed": 403,
    "NoSuchBucket": 404, "NoSuchKey": 404, "NoSuchUpload": 404, "NoSuchBucketPolicy": 404, "MethodNotAllowed": 405,
    "BucketNotEmpty": 409, "BucketAlreadyExists": 409, "MissingContentLength": 411, "PreconditionFailed": 412,
    "InvalidRange": 416, "NotImplemented": 501,
}  # fmt: skip
_MESSAGES = {
    "BadDigest": "The digest you specified did not match what we received.",
    "BucketNotEmpty": "The bucket you tried to delete is not empty",
    "EntityTooSmall": "Your proposed upload is smaller than the minimum allowed size",
    "InvalidPart": "One or more of the specified parts could not be found, or its ETag did not match.",
    "InvalidPartOrder": "The list of parts was not in ascending order.",
    "InvalidRange": "The requested range is not satisfiable",
    "MalformedXML": "The XML you provided was not well-formed or did not validate against our published schema",
    "MethodNotAllowed": "The specified method is not allowed against this resource.",
    "MissingContentLength": "You must provide the Content-Length HTTP header.",
    "NoSuchBucket": "The specified bucket does not exist",
    "NoSuchBucketPolicy": "The bucket policy does not exist",
    "NoSuchKey": "The specified key does not exist.",
    "NoSuchUpload": "The specified upload does not exist. It may have been aborted or completed.",
    "PreconditionFailed": "At least one of the pre-conditions you specified did not hold",
}


class S3Error(Exception):
    """An answer in S3's error format; without a message the code's usual one."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.message = message or _MESSAGES.get(code, code)


def fields(parent: ET.Element, **values: object) -> None:
    """Add child elements with text."""
    for name, value in values.items():
        ET.SubElement(parent, name).text = str(value)


def xml(root: ET.Element, headers: dict[str, str] | None = None) -> web.Response:
    """200 with a document."""
    root.set("xmlns", _NAMESPACE)
    return web.Response(body=_document(root), content_type="application/xml", headers=headers)


def parsed(body: bytes) -> ET.Element:
    """A document sent by a client. Raises S3Error."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise S3Error("MalformedXML")
    try:
        root = ET.fromstring(body)  # noqa: S314 - without DOCTYPE there are no entities to expand
    except ET.ParseError:
        raise S3Error("MalformedXML") from None
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def error(code: str, message: str, request: web.Request) -> web.Response:
    """An error; HEAD has no body."""
    status = _STATUS.get(code, 400)
    if request.method == "HEAD":
        return web.Response(status=status)
    root = ET.Element("Error")
    fields(root, Code=code, Message=message, Resource=request.path, RequestId=secrets.token_hex(8).upper())
    return web.Response(status=status, body=_document(root), content_type="application/xml")


def _document(root: ET.Element) -> bytes:
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root)


def iso(moment: float) -> str:
    """Time of a listing; S3 keeps whole seconds."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(moment))
