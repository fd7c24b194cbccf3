"""The notes of a release, quoted: its author wrote them, and nothing in them has an effect."""

from okd_gitops.report.markdown import Block, fence, printable_lines

_LONGEST_LINE = 300
_MANY_LINES = 40


def notes_block(notes: str) -> Block:
    """Return the beginning of the notes, folded; lines that do not fit are cut, and others counted."""
    lines = [line[:_LONGEST_LINE] for line in printable_lines(notes).split("\n")]
    shown = "\n".join(lines[:_MANY_LINES])

    if not shown:
        return Block("notes", "", [])

    left_out = len(lines) - _MANY_LINES
    more = f"\n{left_out} more lines are where the release is.\n" if left_out > 0 else ""
    ticks = fence(shown)
    quotation = f"{ticks}text\n{shown}\n{ticks}\n{more}"
    folded = f"<details><summary>As its author wrote them</summary>\n\n{quotation}\n</details>\n"

    return Block("notes", "### Notes of the release\n\n", [folded], share=0.3)
