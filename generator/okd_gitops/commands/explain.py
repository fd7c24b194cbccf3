"""explain: the text behind a code, a feature or a purpose; the tables of docs/reference.md are made of the same."""

import inspect
from collections.abc import Callable

from okd_gitops import codes, evidence, observation, published, refusals, signature, upgrade
from okd_gitops.errors import EXIT_CODES, UsageError
from okd_gitops.feature import Catalog, Each, Feature, Parameter
from okd_gitops.finding import nearest
from okd_gitops.policy import all_rules

# Of everything that is not a rule; each table stands where its codes are found.
_TABLES = (codes.CODES, published.CODES, signature.CODES, upgrade.CODES, refusals.CODES, evidence.CODES, observation.CODES)
CODES = {code: text for table in _TABLES for code, text in table.items()}


def explain(name: str, load: Callable[[], Catalog]) -> str:
    """Return what is known of a code, a feature or a purpose; raises UsageError with the nearest name.

    A code is explained without the catalog: somebody may ask because that is what is wrong.
    """
    if name.upper() in CODES:
        return f"{name.upper()}\n{CODES[name.upper()]}\n"
    if rule := all_rules().get(name.upper()):
        return f"{rule.CODE} ({rule.SEVERITY})\n{inspect.getdoc(rule)}\n"
    catalog = load()
    if feature := catalog.features.get(name):
        return _feature(feature)
    if purpose := catalog.purposes.get(name):
        sync = ", ".join(f"{key} {str(value).lower()}" for key, value in purpose.sync)
        features = ", ".join(purpose.features)
        return f"{name}: {purpose.summary}\nwave {purpose.wave}; expires {purpose.expires}; {sync}\nfeatures: {features}\n"
    known = [*CODES, *all_rules(), *catalog.features, *catalog.purposes]
    raise UsageError(f'nothing is called "{name}"', nearest(name, known) or "okd-gitops explain lists everything")


def overview(catalog: Catalog) -> str:
    """Return a line for everything that can be explained."""
    rows = [("features", {name: feature.spec.summary for name, feature in sorted(catalog.features.items())})]
    rows += [("purposes", {name: purpose.summary for name, purpose in sorted(catalog.purposes.items())})]
    rows += [("rules", {code: summary(rule.__doc__) for code, rule in all_rules().items()})]
    rows += [("other findings", {code: text.split(". ")[0].rstrip(".") + "." for code, text in CODES.items()})]
    rows += [("exit codes", {str(code): text for code, text in EXIT_CODES.items()})]
    return "\n".join(f"{title}\n" + "".join(f"  {name:18} {text}\n" for name, text in items.items()) for title, items in rows)


def summary(docstring: str | None) -> str:
    """Return the first line of a docstring."""
    return (docstring or "").strip().splitlines()[0]


def _feature(feature: Feature) -> str:
    spec = feature.spec
    lines = [f"{feature.name}: {spec.summary}", f"environments: {', '.join(spec.environments)}"]
    if spec.requires:
        lines.append(f"requires: {', '.join(spec.requires)}")
    lines += ["parameters:"] if spec.parameters or spec.each else []
    for name, parameter in spec.parameters.items():
        lines.append(_parameter(name, parameter, "  "))
    for name, each in spec.each.items():
        lines += _each(name, each)
    if spec.secrets:
        lines.append("secrets that must exist (git never holds them):")
    for name, need in spec.secrets.items():
        asked = f"; only with {need.when}" if need.when else ""
        lines.append(f"  {need.namespace}/{name} ({need.type}): {', '.join(need.keys)}; {need.used}{asked}")
    return "\n".join(lines) + "\n"


def _each(name: str, each: Each) -> list[str]:
    return [
        f"  {name}: {'an optional' if each.optional else 'a'} list, one entry for each {each.key}. {each.summary}",
        *(_parameter(key, value, "    ") for key, value in each.fields.items()),
    ]


def _parameter(name: str, parameter: Parameter, indent: str) -> str:
    if parameter.source:
        origin = f"from {parameter.source}"
    elif parameter.default is not None:
        origin = f"default {parameter.default!r}"
    else:
        origin = "optional" if parameter.optional else "required"
    return f"{indent}{name} ({parameter.type}, {origin}): {parameter.summary}"
