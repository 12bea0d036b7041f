"""The XML in the responses of S3."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax import SAXException
from xml.sax.handler import ContentHandler

import defusedxml.sax

if TYPE_CHECKING:
    import requests

_MAX_XML_BYTES = 64 * 1024  # S3's responses have some hundred


def xml_texts(response: requests.Response, name: str) -> tuple[str, ...]:
    """Return the texts of the elements of a name; nothing if the response is not valid XML."""
    if len(response.content) > _MAX_XML_BYTES:
        return ()
    texts = _Texts(name)
    try:
        defusedxml.sax.parseString(response.content, texts, forbid_dtd=True)
    except (SAXException, LookupError, ValueError):  # LookupError: an unknown encoding
        return ()
    return tuple(text for text in texts.found if text)


class _Texts(ContentHandler):
    """Collects the texts of the elements of a name, whatever their namespace.

    It handles SAX events: defusedxml's ElementTree cannot be imported lazily, as the image does.
    """

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name
        self._inside = False
        self.found: list[str] = []

    def startElement(self, name: str, attrs: object) -> None:  # noqa: ARG002, N802  xml.sax's name
        self._inside = name.rpartition(":")[2] == self._name
        if self._inside:
            self.found.append("")

    def endElement(self, name: str) -> None:  # noqa: ARG002, N802  xml.sax's name
        self._inside = False

    def characters(self, content: str) -> None:
        if self._inside:
            self.found[-1] += content
