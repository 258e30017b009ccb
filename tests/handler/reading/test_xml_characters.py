"""Characters that PostgreSQL cannot store never come out of a report, however it is encoded."""

import codecs
import contextlib
import encodings
import io
import pkgutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import BadEncoding, NotXml, PermanentFault
from handler.reading import bounded_xml
from handler.reading.legal_characters import replace_forbidden

UTF_16 = ["utf-16-le", "utf-16-be"]
BEGINNINGS = ["<t>", "\ufeff<t>", '\ufeff<?xml version="1.0" encoding="utf-16"?><t>']
# All that Python could be asked for, some of which are no character encodings at all.
ENCODINGS = sorted({module.name for module in pkgutil.iter_modules(encodings.__path__)} - {"aliases"})


def texts_of(content: bytes) -> str:
    """Everything that comes through: names, attributes and texts."""
    seen: list[str] = []
    for _ in bounded_xml.parse(
        io.BytesIO(content),
        gzipped=False,
        start=lambda name, attributes: seen.extend([name, *attributes, *attributes.values()]),
        end=seen.append,
        text=seen.append,
    ):
        pass
    return "".join(seen)


def is_storable(text: str) -> bool:
    return not any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text)


@pytest.mark.parametrize("place", ["<t>%s</t>", "<t a='%s'/>", "<t><![CDATA[%s]]></t>"])
@pytest.mark.parametrize(
    "character",
    [b"\0", b"\x1b", b"\xef\xbf\xbe", b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xf0\x9f\x98"],
)
@pytest.mark.parametrize("declaration", ["", "<?xml version='1.0'?>", "<?xml version='1.0' encoding='UTF-8'?>"])
def test_what_utf_8_or_xml_forbids_is_replaced(declaration: str, place: str, character: bytes) -> None:
    """Controls, noncharacters, surrogates, overlong and cut off forms: runners write what a test printed."""
    text = texts_of(declaration.encode() + place.encode() % (b"1" + character + b"2"))
    assert text.strip("ta").replace("\ufffd", "") == "12"
    assert "\ufffd" in text


@pytest.mark.parametrize("character", [b"\0", b"\xff", b"\xed\xa0\x80"])
def test_it_is_not_replaced_in_the_name_of_an_element(character: bytes) -> None:
    """A replacement character may not stand there."""
    with pytest.raises(NotXml):
        texts_of(b"<t%s/>" % character)


@pytest.mark.parametrize("size", [1, 7, 65_535])
def test_it_is_replaced_wherever_the_pieces_end_that_are_read(size: int) -> None:
    """A character that is cut in two is whole again, and the declaration is found in any case."""
    content = "<?xml version='1.0'?><t>ü\N{GRINNING FACE}\x1b</t>".encode()
    pieces = iter([content[start : start + size] for start in range(0, len(content), size)])
    assert b"".join(replace_forbidden(pieces)).decode() == "<?xml version='1.0'?><t>ü\N{GRINNING FACE}\ufffd</t>"


@pytest.mark.parametrize("ending", [b"\xc3", b"\xe2\x82"])
def test_a_character_that_is_cut_off_at_the_end_is_replaced(ending: bytes) -> None:
    """The parser then says what is wrong with the end of the report."""
    assert b"".join(replace_forbidden(iter([b"<t>", ending]))) == "<t>\ufffd".encode()


@pytest.mark.parametrize("encoding", ["iso-8859-15", "cp1252", "utf-16"])
def test_a_document_in_another_encoding_is_left_as_it_is(encoding: str) -> None:
    """What is wrong in UTF-8 may be right there."""
    content = f"<?xml version='1.0' encoding='{encoding}'?><t>ü</t>".encode(encoding)
    assert b"".join(replace_forbidden(iter([content[:9], content[9:]]))) == content


@pytest.mark.parametrize("reference", ["&#0;", "&#x0;", "&#xD800;", "&#xDFFF;", "&#55357;&#56832;", "&#x110000;"])
@pytest.mark.parametrize("place", ["<t>%s</t>", "<t a='%s'/>"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-15"])
def test_a_reference_to_such_a_character_is_refused(reference: str, place: str, encoding: str) -> None:
    """It is no XML, though some writers escape whatever they are given."""
    content = f'<?xml version="1.0" encoding="{encoding}"?>' + place % reference
    with pytest.raises(NotXml):
        texts_of(content.encode(encoding))


@pytest.mark.parametrize("encoding", UTF_16)
@pytest.mark.parametrize("beginning", BEGINNINGS)
@pytest.mark.parametrize("unit", ["\0", "\udc00", "a\udc00b"])
def test_utf_16_with_nul_or_a_second_half_alone_is_refused(encoding: str, beginning: str, unit: str) -> None:
    """With or without a byte order mark."""
    with pytest.raises(NotXml):
        texts_of(f"{beginning}{unit}</t>".encode(encoding, "surrogatepass"))


@pytest.mark.parametrize("encoding", UTF_16)
@pytest.mark.parametrize("beginning", BEGINNINGS)
@given(units=st.text(st.sampled_from("a\ud800\udbff\udc00\udfff\U0001f600\ufffd"), min_size=1))
def test_utf_16_with_halves_in_any_order_is_refused_or_storable(encoding: str, beginning: str, units: str) -> None:
    """expat takes what follows a first half for its second, whatever it is."""
    with contextlib.suppress(NotXml):
        assert is_storable(texts_of(f"{beginning}{units}</t>".encode(encoding, "surrogatepass")))


@pytest.mark.parametrize("encoding", ["utf-8", *UTF_16])
@given(text=st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="<&>\ufffe\uffff"), min_size=1))
def test_every_other_character_comes_through(encoding: str, text: str) -> None:
    """Even one in whose middle the parser has to read on."""
    padding = "x" * (65_528 // len("x".encode(encoding)) - 1)
    assert texts_of(f"\ufeff<t>{padding}{text}</t>".encode(encoding)) == f"t{padding}{text}t"


@pytest.mark.filterwarnings("ignore:.*invalid escape sequence:DeprecationWarning")
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_no_codec_lets_one_in(encoding: str) -> None:
    """A report may declare any of Python's, and hold any byte."""
    for byte in range(256):
        with contextlib.suppress(PermanentFault):
            assert is_storable(texts_of(b'<?xml version="1.0" encoding="%s"?><t>%c</t>' % (encoding.encode(), byte)))


@pytest.mark.parametrize("encoding", ["iso-8859-15", "cp1252", "koi8-r", "mac-roman"])
def test_a_single_byte_codec_is_understood(encoding: str) -> None:
    """expat asks Python for those that it does not know."""
    text = codecs.decode(b"\xe4\xf6", encoding)
    content = f'<?xml version="1.0" encoding="{encoding}"?><t>{text}</t>'
    assert texts_of(content.encode(encoding)) == f"t{text}t"


@pytest.mark.parametrize("encoding", ["utf-32", "utf-7", "shift_jis", "gb18030", "idna", "punycode", "rot13", "zlib"])
def test_what_is_no_single_byte_codec_is_refused(encoding: str) -> None:
    """expat reads no other multi-byte encodings than UTF-8 and UTF-16."""
    with pytest.raises(BadEncoding):
        texts_of(f'<?xml version="1.0" encoding="{encoding}"?><t/>'.encode())
