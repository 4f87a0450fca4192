"""The raw text of a formula, checked character by character before Python's parser sees it.

Python's ``ast`` normalises look-alike letters, warns on stderr and overflows on long sums.  Here the text becomes
tokens whose order is already valid, so that errors point at the place and ``ast`` only has to build the tree.
"""

import keyword
import re
from typing import NamedTuple

from cfdyn.errors import FormulaError, like
from cfdyn.symbolic.text.functions import CALLEES

MAX_LENGTH = 128 * 1024  # characters: a sum over a thousand weights fits
MAX_TOKENS = 40_000  # that are read in three seconds
MAX_NAME = 64  # characters
CLOSE = 0.78  # similarity of a name to the intended function: foo is not floor
SHOWN = 60  # characters of a text in a message
CHAIN = 100  # operators in a row that ast may nest

_TOKEN = re.compile(
    r"(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<op>\*\*|//|<=|>=|==|!=|:=|[-+*/<>(),&|])|(?P<space>[ \t\r\n]+)"
)
_WORDS = ("and", "or", "not", "True", "False")
_NUMBERS = {"pi": "the number 3.141...", "E": "the number 2.718..."}
RESERVED = {"pi", "E", "inf", "nan", "oo", "zoo", *CALLEES}
FUNCTION_LIST = ", ".join(sorted(CALLEES, key=str.lower))
_NUMPY = {"maximum": "max", "minimum": "min", "absolute": "abs", "fabs": "abs"}  # as numpy has them, and as formulas do
_ADVICE = {
    "^": "write ** for a power", "=": "give the right-hand side only, without =", ":=": "give one expression",
    "==": "equality holds almost nowhere; compare with < <= > >=", "!=": "compare with < <= > >=",
    "//": "write / for a division, floor(a/b) for its whole part", "%": "write mod(a, b) for a remainder",
    "!": "factorials are not allowed",
    "[": "group with round brackets ( )", "]": "group with round brackets ( )", "\u2212": "write the ASCII minus -",
    "{": "group with round brackets ( )", "}": "group with round brackets ( )", "\u00b2": "write **2",
    "'": "quoted texts are not allowed", '"': "quoted texts are not allowed", "\u00d7": "write *", "\u00b7": "write *",
    ".": "attributes are not allowed, and a decimal point needs a digit beside it", "\u03c0": "write pi",
    ";": "give one expression", "#": "comments are not allowed", "\\": "write plain names, not LaTeX",
    "$": "write plain names, not LaTeX", "~": "write not", "\u221a": "write sqrt(...)", "\u00b3": "write **3",
}  # fmt: skip


class Token(NamedTuple):
    """One number, name or operator with its index in the text."""

    kind: str
    text: str
    position: int


def complaint(text: str, position: int, problem: str, shown: str = "") -> FormulaError:
    """The one-line error that points into the text: ``formula has '^' at character 2 ('x^2'): write **``."""
    start, stop = max(0, position - 16), min(len(text), position + 24)
    near = ("..." if start else "") + text[start:stop] + ("..." if stop < len(text) else "")
    short = shown if len(shown) <= 40 else shown[:37] + "..."
    what = f"formula has {ascii(short)} at" if shown else "formula fails at"
    return FormulaError(f"{what} character {position + 1} ({ascii(near)}): {problem}", text, position)


def tokenize(text: str) -> list[Token]:
    """The tokens of a formula, in an order that is certainly an expression; otherwise a FormulaError.

    >>> [token.text for token in tokenize("2*(w - 1.5e3)")]
    ['2', '*', '(', 'w', '-', '1.5e3', ')']
    """
    if not isinstance(text, str):
        raise FormulaError(f"a formula is a text, not {type(text).__name__}")
    if len(text) > MAX_LENGTH:
        raise FormulaError(f"the formula has {len(text)} characters; at most {MAX_LENGTH} are allowed")
    tokens, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _foreign(text, position)
        if match.group().startswith("_"):
            raise complaint(text, position, name_problem("_"), match.group())
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), position))
        position = match.end()
    if not tokens:
        raise FormulaError("the formula is blank; give an expression such as '(w**2 - 1)**2/4'", text, 0)
    if len(tokens) > MAX_TOKENS:
        raise FormulaError(f"the formula has {len(tokens)} numbers, names and operators; at most {MAX_TOKENS}", text)
    _check_order(text, tokens)
    return tokens


def _foreign(text: str, position: int) -> FormulaError:
    character = text[position]
    module, function = re.search(r"[A-Za-z]\w*$", text[:position]), re.match(r"\.(\w+)", text[position:])
    called = _NUMPY.get(function[1], function[1]) if function else ""
    if module and called in CALLEES:
        return complaint(text, module.start(), f"write {called} alone", f"{module[0]}.")
    if character.isprintable() and character.isascii():
        return complaint(text, position, _ADVICE.get(character, "this character is not allowed"), character)
    advice = "only ASCII letters, digits and + - * / ( ) , < > are allowed, no look-alikes"
    problem = f"U+{ord(character):04X} is not allowed; {_ADVICE.get(character, advice)}"
    error = complaint(text, position, problem, character)
    if character.isprintable():  # ascii() wrote it as an escape; show a visible character as it is
        error.args = (error.args[0].replace(f"formula has {ascii(character)}", f"formula has {character!r}", 1),)
    return error


def name_problem(name: str) -> str:
    """Why a name cannot be a variable; empty if it can.

    >>> name_problem("w1"), name_problem("exp"), name_problem("lambda")
    ('', "'exp' is a function", "'lambda' is a Python keyword; use another name such as 'lam'")
    """
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name):
        return f"names start with an ASCII letter and go on with letters, digits or _; functions: {FUNCTION_LIST}"
    if keyword.iskeyword(name):
        return f"{name!r} is a Python keyword; use another name such as {'lam' if name == 'lambda' else name + '1'!r}"
    if len(name) > MAX_NAME:
        return f"a name has at most {MAX_NAME} characters"
    if name in CALLEES:
        return f"{name!r} is a function"
    return f"it is {_NUMBERS.get(name, 'reserved')}" if name in RESERVED else ""


def _check_name(text: str, token: Token, following: Token | None) -> None:
    called = following is not None and following.text == "("
    if token.text == "not" or token.text in ("True", "False", "pi", "E") and not called:
        return
    if token.text in CALLEES:
        if not called:
            argument = following.text if following and following.kind != "op" else "..."
            raise complaint(text, token.position, f"it is a function; write {token.text}({argument[:40]})", token.text)
        return
    problem = name_problem(token.text)
    if not problem and called:
        known = sorted(CALLEES)
        near = like(token.text, [one for one in known if len(one) == len(token.text)]) or like(token.text, known, CLOSE)
        allowed = f"did you mean {near!r}?" if near else f"write * for a product; functions: {FUNCTION_LIST}"
        problem = f"{token.text[:SHOWN]} is not known; {allowed}"
    if problem:
        raise complaint(text, token.position, problem, token.text)


def _check_order(text: str, tokens: list[Token]) -> None:
    """Operands and operators alternate and the brackets match."""
    opened: list[Token] = []
    operand_next, previous = True, None
    for index, token in enumerate(tokens):
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        if operand_next:
            operand_next = _start_operand(text, token, following, opened)
        else:
            operand_next = _continue(text, token, previous, opened)
        previous = token
    end = len(text.rstrip()) - 1
    if operand_next:
        raise complaint(text, end, f"it ends after {tokens[-1].text!r}, where a number or a name has to follow")
    if opened:
        raise complaint(text, opened[-1].position, "this bracket is never closed", "(")


def _start_operand(text: str, token: Token, following: Token | None, opened: list[Token]) -> bool:
    """Check a token where an operand must begin; return whether an operand must still follow."""
    if token.kind == "number":
        return False
    if token.kind == "name" and token.text not in ("and", "or"):
        _check_name(text, token, following)
        return token.text == "not"
    if token.text == "(":
        opened.append(token)
    elif token.text not in ("+", "-"):
        advice = "write abs(x) for |x|" if token.text == "|" else "a number or a name is missing before it"
        raise complaint(text, token.position, advice, token.text)
    return True


def _continue(text: str, token: Token, previous: Token | None, opened: list[Token]) -> bool:
    """Check a token after an operand; return whether an operand must follow."""
    assert previous is not None
    if token.text == "(" and previous.kind == "name":
        opened.append(token)
    elif token.text == ")":
        if not opened:
            raise complaint(text, token.position, "no bracket is open here", ")")
        opened.pop()
        return False
    elif token.text == "," and not opened:
        raise complaint(text, token.position, "a comma only separates arguments; the decimal mark is a point", ",")
    elif token.text in _ADVICE:
        raise complaint(text, token.position, _ADVICE[token.text], token.text)
    elif token.kind != "op" and token.text not in ("and", "or") or token.text == "(":
        if token.kind == "name" and keyword.iskeyword(token.text) and token.text not in _WORDS:
            problem = "Python's keywords are not allowed; write Piecewise((a, condition), (b, True)) for a choice"
        else:
            problem = f"an operator is missing; write {previous.text[-40:]}*{token.text[:40]} for a product"
        raise complaint(text, token.position, problem, token.text)
    return True


def balanced(tokens: list[Token]) -> tuple[str, dict[int, int]]:
    """Python source for the tokens, with long chains cut into groups, and the token index at each column.

    ``ast`` nests a + b + c + ... one level per operator and overflows near a thousand; ``+(0 - c + ...)`` every
    hundred operators keeps the tree flat without changing the value.  Numbers become placeholders.

    >>> balanced(tokenize("w - 0.5"))
    ('w - 7', {0: 0, 2: 1, 4: 2})
    """
    before = _cuts(tokens)
    pieces: list[str] = []
    columns: dict[int, int] = {}
    column = 0
    for index, token in enumerate(tokens):
        if index in before:
            pieces.append(before[index])
            column += len(before[index]) + 1
        columns[column] = index
        pieces.append("7" if token.kind == "number" else token.text)
        column += len(pieces[-1]) + 1
    return " ".join(pieces) + before.get(len(tokens), ""), columns


def _cuts(tokens: list[Token]) -> dict[int, str]:
    """The brackets to insert before each token."""
    before: dict[int, str] = {}
    frames: list[dict[str, list[int]]] = [{"+": [], "*": []}]

    def close(kind: str, end: int) -> None:
        chain = frames[-1][kind]
        frames[-1][kind] = []
        for cut in range(CHAIN, len(chain), CHAIN):
            stop = chain[cut + CHAIN] if cut + CHAIN < len(chain) else end
            before[chain[cut]] = before.get(chain[cut], "") + (" + ( 0" if kind == "+" else " * ( 1")
            before[stop] = " )" + before.get(stop, "")

    operand_next = True
    for index, token in enumerate(tokens):
        word = token.text
        if not operand_next and word in ("+", "-"):
            close("*", index)
            frames[-1]["+"].append(index)
        elif not operand_next and word in ("*", "/"):
            frames[-1]["*"].append(index)
        elif word == "(":
            frames.append({"+": [], "*": []})
        elif word in (")", ",", "<", ">", "<=", ">=", "&", "|", "and", "or"):
            close("*", index)
            close("+", index)
            if word == ")":
                frames.pop()
        operand_next = token.kind == "op" and word != ")" or word in ("and", "or", "not")
    close("*", len(tokens))
    close("+", len(tokens))
    return before
