"""Texts of strangers in chats: Slack and Microsoft Teams."""

from __future__ import annotations

from handler.texts import one_line

# Each of these means something to one of the two, or to the template of an EventBridge rule that a text is put into:
# a letter that looks like it takes its place. To escape it would only do for whoever undoes it: Slack takes `&lt;` and
# Teams a backslash. Underscores stay, which are in most names: at worst they make a name slanted.
_LOOK_ALIKES = str.maketrans(
    {
        "<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}",
        ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}",
        "&": "\N{FULLWIDTH AMPERSAND}",
        "@": "\N{FULLWIDTH COMMERCIAL AT}",
        '"': "\N{RIGHT DOUBLE QUOTATION MARK}",
        "`": "\N{LEFT SINGLE QUOTATION MARK}",
        "\\": "\N{FULLWIDTH REVERSE SOLIDUS}",
        "*": "\N{ASTERISK OPERATOR}",
        "~": "\N{TILDE OPERATOR}",
        "|": "\N{FULLWIDTH VERTICAL LINE}",
    }
)
# What makes an address, or a text, a link.
_ADDRESS, _NO_ADDRESS = "://", ":\N{DIVISION SLASH}\N{DIVISION SLASH}"
_LINK, _NO_LINK = "](", "] ("


def plain(text: str, limit: int) -> str:
    """The text in one line of at most `limit` characters, in which nothing is markup, a mention or a link."""
    # Each is as long as what it takes the place of, but for one blank; a long text is not gone through to its end.
    shown = text[: 4 * limit + 1].translate(_LOOK_ALIKES)
    return one_line(shown.replace(_ADDRESS, _NO_ADDRESS).replace(_LINK, _NO_LINK), limit)


def code(text: str, limit: int) -> str:
    """The same as code, in which a chat looks for no addresses either."""
    return f"`{plain(text, limit)}`"
