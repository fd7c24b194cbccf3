"""What stands for `pydantic.plugin._loader`: no plug-ins, and nothing is looked for.

pydantic looks in the metadata of every installed package, and runs what it finds there. Only the modules for
that, such as email and zipfile, take longer to load than a small fleet takes to read.
"""


def get_plugins() -> tuple[()]:
    """Return no plug-ins."""
    return ()
