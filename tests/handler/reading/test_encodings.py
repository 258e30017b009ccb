"""Reports in any encoding: what can be read is, and no character comes out that PostgreSQL cannot store."""

import contextlib
import encodings as python_encodings
import io
import itertools
import pkgutil
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import BadEncoding, ForbiddenDtd, NotXml, PermanentFault
from handler.reading import bounded_xml
from handler.reading.encodings import as_utf_8

UTF_16 = ["utf-16-le", "utf-16-be"]
BEGINNINGS = ["<t>", "\ufeff<t>", '\ufeff<?xml version="1.0" encoding="utf-16"?><t>']
# All that Python could be asked for, some of which are no character encodings at all.
ENCODINGS = sorted({module.name for module in pkgutil.iter_modules(python_encodings.__path__)} - {"aliases"})


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
    assert b"".join(as_utf_8(pieces)).decode() == "<?xml version='1.0'?><t>ü\N{GRINNING FACE}\ufffd</t>"


@pytest.mark.parametrize("ending", [b"\xc3", b"\xe2\x82"])
def test_a_character_that_is_cut_off_at_the_end_is_replaced(ending: bytes) -> None:
    """The parser then says what is wrong with the end of the report."""
    assert b"".join(as_utf_8(iter([b"<t>", ending]))) == "<t>\ufffd".encode()


TEXT = "Größe 価格 🛒"
# As tools of these languages write them.
TEXTS = {
    "shift_jis": "価格ソ表①",
    "windows-31j": "価格ソ表①",
    "euc-jp": "価格",
    "gbk": "价格€",
    "gb2312": "价格",
    "GB18030": "价格🛒",
    "big5": "價格",
    "euc-kr": "가격",
    "ks_c_5601-1987": "가격똠",
    "windows-1250": "cena… łódź",
    "windows-1251": "цена… ё",
    "windows-1252": "prix… “€”",
    "iso-8859-1": "prix… “€”",
    "latin1": "größe",
    "ISO-8859-15": "größe €",
    "windows-1255": "מחיר",
    "cp850": "größe",
    "ibm866": "цена",
    "koi8-r": "цена",
    "macintosh": "größe",
    "utf8": TEXT,
    "UTF8": TEXT,
    "ascii": TEXT,
}
PYTHONS = {
    "windows-31j": "cp932",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "GBK": "gb18030",
    "gbk": "gb18030",
    "ks_c_5601-1987": "cp949",
    "iso-8859-1": "cp1252",
    "macintosh": "mac-roman",
    "ascii": "utf-8",
}


@pytest.mark.parametrize("declared", TEXTS)
def test_a_declared_encoding_is_read(declared: str) -> None:
    """Each in the largest set of characters that goes by its name."""
    content = f"<?xml version='1.0' encoding='{declared}'?><t a='{TEXTS[declared]}'>{TEXTS[declared]}</t>"
    assert texts_of(content.encode(PYTHONS.get(declared, declared))) == f"ta{TEXTS[declared]}{TEXTS[declared]}t"


@pytest.mark.parametrize("declared", ["utf-8", "gbk", "klingon", None])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_counts_more_than_what_is_declared(encoding: str, declared: str | None) -> None:
    """PowerShell writes UTF-16 and says utf-8."""
    declaration = f"<?xml version='1.0' encoding='{declared}'?>" if declared else ""
    assert texts_of(f"{declaration}<t>{TEXT}</t>".encode(encoding)) == f"t{TEXT}t"


@pytest.mark.parametrize("encoding", UTF_16)
def test_utf_16_without_a_mark_is_recognised(encoding: str) -> None:
    """By its zeros."""
    assert texts_of(f"<?xml version='1.0' encoding='utf-8'?><t>{TEXT}</t>".encode(encoding)) == f"t{TEXT}t"


@pytest.mark.parametrize("declared", ["utf-16", "UTF-16LE", "ucs-2"])
def test_what_says_utf_16_and_is_not_is_utf_8(declared: str) -> None:
    """.NET declares the encoding of its strings in memory."""
    assert texts_of(f"<?xml version='1.0' encoding='{declared}'?><t>{TEXT}</t>".encode()) == f"t{TEXT}t"


@pytest.mark.parametrize("blanks", ["\n", "\r\n \t", " " * 1_000])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_blanks_before_the_declaration_are_passed_over(encoding: str, blanks: str) -> None:
    """A shell script printed a line first."""
    content = f"{blanks}<?xml version='1.0' encoding='{encoding}'?><t>{TEXT}</t>"
    assert texts_of(content.encode(encoding)) == f"t{TEXT}t"


def test_blanks_hide_no_declaration() -> None:
    """Of another encoding."""
    assert texts_of(b"\n<?xml version='1.0' encoding='windows-1252'?><t>\xe4</t>") == "tät"


DOCTYPES = [
    "<!DOCTYPE testsuites>",
    "<!DOCTYPE\ntestsuites\n>",
    "<!DOCTYPE testsuites SYSTEM 'http://127.0.0.1/junit.dtd'>",
    '<!DOCTYPE testsuites SYSTEM "it\'s.dtd" >',
    "<!DOCTYPE testsuites PUBLIC '-//JUnit' 'junit.dtd'>",
]


@pytest.mark.parametrize("before", ["", "<?xml version='1.0'?>\n", "<!-- - -> a comment --><?a b?c?>", "\n <!---->"])
@pytest.mark.parametrize("doctype", DOCTYPES)
def test_a_harmless_document_type_is_passed_over(doctype: str, before: str) -> None:
    """It declares nothing, and what it names is not fetched."""
    assert texts_of(f"{before}{doctype}<t>x</t>".encode()) == "txt"
    assert texts_of(f"\ufeff{before}{doctype}<t>x</t>".encode("utf-16-le")) == "txt"


@pytest.mark.parametrize("doctype", DOCTYPES)
@pytest.mark.parametrize("place", ["<t>%s</t>", "<t a='%s'/>"])
def test_no_entity_comes_in_by_a_document_type(place: str, doctype: str) -> None:
    """With an external one, a parser would pass over what it does not know."""
    with pytest.raises(NotXml, match="undefined entity"):
        texts_of(f"{doctype}{place % '&x;'}".encode())


@pytest.mark.parametrize(
    "doctype",
    [
        "<!DOCTYPE t []>",
        "<!DOCTYPE t [<!ENTITY x 'y'>]>",
        "<!DOCTYPE t SYSTEM 'x' [<!ENTITY x 'y'>]>",
        "<!DOCTYPE t [<!ATTLIST t a CDATA 'x'>]>",
        "<!DOCTYPE t> <!DOCTYPE t>",
        f"<!--{'x' * 5_000}--><!DOCTYPE t>",
    ],
)
def test_any_other_document_type_is_refused(doctype: str) -> None:
    """It may declare entities, and defaults of attributes."""
    with pytest.raises(ForbiddenDtd):
        texts_of(f"{doctype}<t/>".encode())


@pytest.mark.parametrize("piece", ["<!---->", "<?a?>", " ", "<!-- - - -->", "<!--->"])
def test_what_stands_before_a_document_type_takes_no_time(piece: str) -> None:
    """However it might be divided."""
    started = time.process_time()
    with contextlib.suppress(PermanentFault):
        texts_of(f"{piece * (4_000 // len(piece))}<!DOCTYPE t [".encode())
    assert time.process_time() - started < 1


REFERENCES = ["&#0;", "&#x0;", "&#x1B;", "&#27;", "&#xD800;", "&#xdfff;", "&#xFFFE;", "&#x110000;", f"&#{'9' * 5_000};"]


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("place", ["<t>%s</t>", "<t a='%s'/>"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "iso-8859-15"])
def test_a_reference_to_such_a_character_is_replaced(reference: str, place: str, encoding: str) -> None:
    """It is no XML, though some writers escape whatever they are given."""
    content = f'<?xml version="1.0" encoding="{encoding}"?>' + place % reference
    assert texts_of(content.encode(encoding)).strip("ta") == "\ufffd"


def test_a_reference_to_another_character_is_read() -> None:
    """Whatever its form."""
    assert texts_of(b"<t>&#9;&#xA;&#13;&#32;&#xe4;&#8364;&#x1F6D2;&#00065;&lt;&amp;#0;</t>") == "t\t\n\r ä€🛒A<&#0;t"


@pytest.mark.parametrize("size", [1, 2, 7, 65_536])
def test_in_cdata_nothing_is_a_reference(size: int) -> None:
    """Wherever the pieces end that are read; behind it, it is one."""
    content = "<t>&#27;<![CDATA[&#27;]&#27;]]&#27;]]>&#27;<![CDATA[<![CDATA[&#0;]]>&#0;]]</t>&#10;"
    pieces = iter([content[start : start + size].encode() for start in range(0, len(content), size)])
    # The first ones are read together, to find out about the encoding.
    padding = b"<!--" + b"x" * 4_096 + b"-->"
    read = b"".join(as_utf_8(itertools.chain([padding], pieces))).removeprefix(padding).decode()
    assert read == "<t>\ufffd<![CDATA[&#27;]&#27;]]&#27;]]>\ufffd<![CDATA[<![CDATA[&#0;]]>\ufffd]]</t>&#10;"


@given(st.lists(st.text("<![CDATA[]]>&#x1b; \x1bä", max_size=12)))
def test_what_is_read_piece_by_piece_is_what_is_read_at_once(pieces: list[str]) -> None:
    """No piece of it hides from the next."""
    padding = b"<!--" + b"x" * 4_096 + b"-->"
    whole = "".join(pieces).encode()
    at_once = b"".join(as_utf_8(iter([padding + whole])))
    assert b"".join(as_utf_8(iter([padding, *(piece.encode() for piece in pieces)]))) == at_once


@pytest.mark.parametrize("encoding", UTF_16)
@pytest.mark.parametrize("beginning", BEGINNINGS)
@pytest.mark.parametrize("unit", ["\0", "\udc00", "a\udc00b"])
def test_utf_16_with_nul_or_a_second_half_alone_is_replaced(encoding: str, beginning: str, unit: str) -> None:
    """With or without a byte order mark."""
    text = texts_of(f"{beginning}{unit}</t>".encode(encoding, "surrogatepass"))
    assert text.strip("tab") == "\ufffd"


@pytest.mark.parametrize("encoding", UTF_16)
@pytest.mark.parametrize("beginning", BEGINNINGS)
@given(units=st.text(st.sampled_from("a\ud800\udbff\udc00\udfff\U0001f600\ufffd"), min_size=1))
def test_utf_16_with_halves_in_any_order_is_storable(encoding: str, beginning: str, units: str) -> None:
    """Or is no XML, where a half swallowed a tag."""
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


@pytest.mark.parametrize(
    "encoding", ["utf-7", "idna", "punycode", "rot13", "zlib", "unicode_escape", "", "x" * 5_000, "x" * 100_000]
)
def test_what_no_report_is_written_in_is_refused(encoding: str) -> None:
    """Python has codecs that are no encodings of text, and never forgets one that it was asked for."""
    known = dict(python_encodings._cache)
    with pytest.raises(BadEncoding) as fault:
        texts_of(f'<?xml version="1.0" encoding="{encoding}"?><t/>'.encode())
    assert str(fault.value) == "The report declares a character encoding that cannot be read."
    assert python_encodings._cache.keys() == known.keys()
