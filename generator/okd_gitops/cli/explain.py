"""explain: the text behind the name of a finding, a refusal, a decision, a feature or a purpose."""

from collections.abc import Callable, Mapping
from itertools import groupby

from okd_gitops.errors import EXIT_CODES, UsageError
from okd_gitops.explanation import Explanation, explanations
from okd_gitops.finding import nearest
from okd_gitops.fleet.feature import Catalog, Feature
from okd_gitops.fleet.parameter import Each, Parameter
from okd_gitops.fleet.purpose import PurposeSpec


def explain(name: str, load: Callable[[], Catalog]) -> str:
    """Return the text of a finding, a feature or a purpose; raises UsageError with the nearest name.

    A finding is explained without the catalog, because the finding may be that the catalog is broken.
    """
    if explanation := explanations().get(name.lower()):
        return _finding(explanation)

    catalog = load()

    if feature := catalog.features.get(name):
        return _feature(feature)

    if purpose := catalog.purposes.get(name):
        return _purpose(name, purpose)

    remedy = nearest(name, explained_names(catalog)) or "okd-gitops explain lists everything"
    raise UsageError(f'nothing is called "{name}"', remedy)


def explained_names(catalog: Catalog | None) -> list[str]:
    """Return the names of everything that can be explained; without a catalog, of the findings."""
    inside = [*catalog.features, *catalog.purposes] if catalog else []

    return sorted({*explanations(), *inside})


def overview(catalog: Catalog) -> str:
    """Return a line for everything that can be explained, findings by area."""
    sections = {
        "features": {name: feature.spec.summary for name, feature in sorted(catalog.features.items())},
        "purposes": {name: purpose.summary for name, purpose in sorted(catalog.purposes.items())},
    }

    for area, inside in by_area().items():
        sections[f"findings: {area}"] = {explanation.name: explanation.title for explanation in inside}

    sections["exit codes"] = {str(code): text for code, text in EXIT_CODES.items()}

    return "\n".join(_section(title, lines) for title, lines in sections.items())


def by_area() -> Mapping[str, tuple[Explanation, ...]]:
    """Return the explanations of each area, areas and names in the order of the file."""
    groups = groupby(explanations().values(), key=lambda explanation: explanation.area)

    return {area: tuple(inside) for area, inside in groups}


def _section(title: str, lines: Mapping[str, str]) -> str:
    width = max(map(len, lines), default=0)
    rows = [f"  {name:{width}}  {text}\n" for name, text in lines.items()]

    return "".join([f"{title}\n", *rows])


def _finding(explanation: Explanation) -> str:
    kind = explanation.severity or "decision"
    head = f"{explanation.name} ({explanation.area}, {kind})\n{explanation.title}\n"

    return f"{head}\nwhy: {explanation.why}\nfix: {explanation.remedy}\n"


def _purpose(name: str, purpose: PurposeSpec) -> str:
    sync = ", ".join(f"{key} {str(value).lower()}" for key, value in purpose.sync)
    lines = [
        f"{name}: {purpose.summary}",
        f"wave {purpose.wave}; expires {purpose.expires}; {sync}",
        f"features: {', '.join(purpose.features)}",
    ]

    return "\n".join(lines) + "\n"


def _feature(feature: Feature) -> str:
    spec = feature.spec
    lines = [f"{feature.name}: {spec.summary}", f"environments: {', '.join(spec.environments)}"]

    if spec.requires:
        lines.append(f"requires: {', '.join(spec.requires)}")

    if spec.parameters or spec.each:
        lines.append("parameters:")

    lines += [_parameter(name, parameter, "  ") for name, parameter in spec.parameters.items()]

    for name, each in spec.each.items():
        lines += _each(name, each)

    if spec.secrets:
        lines.append("secrets that must exist (Git never contains them):")

    for name, need in spec.secrets.items():
        condition = f"; only with {need.when}" if need.when else ""
        keys = ", ".join(need.keys)
        namespace = spec.shown_namespace(need.namespace)
        lines.append(f"  {namespace}/{name} ({need.type}): {keys}; {need.used}{condition}")

    return "\n".join(lines) + "\n"


def _each(name: str, each: Each) -> list[str]:
    kind = "an optional list" if each.optional else "a list"
    fields = [_parameter(key, value, "    ") for key, value in each.fields.items()]

    return [f"  {name}: {kind}, one entry for each {each.key}. {each.summary}", *fields]


def _parameter(name: str, parameter: Parameter, indent: str) -> str:
    if parameter.source:
        origin = f"from {parameter.source}"
    elif parameter.default is not None:
        origin = f"default {parameter.default!r}"
    else:
        origin = "optional" if parameter.optional else "required"

    return f"{indent}{name} ({parameter.type}, {origin}): {parameter.summary}"
