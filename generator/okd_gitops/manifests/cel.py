"""Whether an expression of CEL can be one: its signs, brackets and texts, not its names and types.

The grammar: cel-spec, doc/langdef.md.
"""

import re
from functools import lru_cache

_TOKEN = re.compile(
    r"""\s+|//[^\n]*|[rRbB]{0,2}(?:\"\"\"(?:[^\\]|\\.)*?\"\"\"|'''(?:[^\\]|\\.)*?'''"""
    r"""|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"|0[xX][0-9a-fA-F]+[uU]?|[0-9]+\.?[0-9]*(?:[eE][+-]?[0-9]+)?[uU]?"
    r"|[A-Za-z_][A-Za-z0-9_]*|&&|\|\||==|!=|<=|>=|[-+*/%!<>?:.,()\[\]{}]",
    re.DOTALL,
)
_PAIRS = {")": "(", "]": "[", "}": "{"}
_BINARY = frozenset({"&&", "||", "==", "!=", "<=", ">=", "*", "/", "%", "<", ">", "?", "+"})


@lru_cache(maxsize=1024)
def syntax_fault(text: str) -> str:
    """Return what keeps an expression from parsing, or nothing where nothing was found."""
    open_brackets: list[str] = []
    last, position = "", 0

    while position < len(text):
        token = _TOKEN.match(text, position)
        if not token:
            sign = text[position]
            hint = " (one = compares nothing, write ==)" if sign == "=" else ""
            return f'at "{text[position : position + 12]}"{hint}'

        word, position = token[0], token.end()
        if word.isspace() or word.startswith("//"):
            continue

        if word in "([{":
            open_brackets.append(word)
        elif word in _PAIRS:
            if not open_brackets or open_brackets.pop() != _PAIRS[word]:
                return f'"{word}" closes nothing'
            if last in _BINARY:
                return f'nothing follows "{last}"'
        elif word in _BINARY and (last in _BINARY or last in ("", "(", ",")):
            return f'nothing stands before "{word}"'
        last = word

    if open_brackets:
        return f'"{open_brackets[-1]}" is not closed'
    return f'nothing follows "{last}"' if last in _BINARY or not last else ""
