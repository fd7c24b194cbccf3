from collections.abc import Callable, Iterable, Mapping
from itertools import groupby

from okd_gitops.errors import EXIT_CODES, UsageError
from okd_gitops.explanation import Explanation, explanations
from okd_gitops.finding import nearest
from okd_gitops.fleet.feature import Catalog, Each, Feature, Parameter
from okd_gitops.fleet.purpose import PurposeSpec

"""explain: the text behind a name of a finding, a refusal or a decision, a feature or a purpose."""


def explain(name: str, load: Callable[[], Catalog]) -> str:
    """Return what is known of a finding, a feature or a purpose; raises UsageError with the nearest name.

    A finding is explained without the catalog: somebody may ask because that is what is wrong.
    """
    if explanation := explanations().get(name.lower()):
        return _finding(explanation)
    catalog = load()
    if feature := catalog.features.get(name):
        return _feature(feature)
    if purpose := catalog.purposes.get(name):
        return _purpose(name, purpose)
    known = [*explanations(), *catalog.features, *catalog.purposes]
    raise UsageError(
        f'nothing is called "{name}"', nearest(name, known) or "okd-gitops explain lists everything"
    )


def overview(catalog: Catalog) -> str:
    """Return a line for everything that can be explained, findings by area."""
    sections = {
        "features": {name: feature.spec.summary for name, feature in sorted(catalog.features.items())},
        "purposes": {name: purpose.summary for name, purpose in sorted(catalog.purposes.items())},
        **{
            f"findings: {area}": {each.name: each.title for each in inside}
            for area, inside in by_area().items()
        },
        "exit codes": {str(code): text for code, text in EXIT_CODES.items()},
    }
    return "\n".join(_section(title, lines) for title, lines in sections.items())


def by_area() -> Mapping[str, tuple[Explanation, ...]]:
    """Return the explanations of each area, areas and names in the order of the file."""
    groups: Iterable[tuple[str, Iterable[Explanation]]] = groupby(
        explanations().values(), key=lambda each: each.area
    )
    return {area: tuple(inside) for area, inside in groups}


def _section(title: str, lines: Mapping[str, str]) -> str:
    width = max(map(len, lines), default=0)
    return f"{title}\n" + "".join(f"  {name:{width}}  {text}\n" for name, text in lines.items())


def _finding(explanation: Explanation) -> str:
    kind = explanation.severity or "decision"
    return f"{explanation.name} ({explanation.area}, {kind})\n{explanation.title}\n\nwhy: {explanation.why}\nfix: {explanation.remedy}\n"


def _purpose(name: str, purpose: PurposeSpec) -> str:
    sync = ", ".join(f"{key} {str(value).lower()}" for key, value in purpose.sync)
    features = ", ".join(purpose.features)
    return f"{name}: {purpose.summary}\nwave {purpose.wave}; expires {purpose.expires}; {sync}\nfeatures: {features}\n"


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
