"""What a ValidatingAdmissionPolicy of the catalog says of a request, evaluated by CEL's own runtime."""

from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_strings


def refusal(policy: dict[str, Any], **data: Any) -> str:
    """Return with which words the API server refuses a request; empty when it is allowed.

    `policy` is the spec of the policy; `data` are the variables that the API server gives its expressions,
    such as `object`, `oldObject` and `request`.
    """
    environment = cel.NewEnv(
        variables=dict.fromkeys((*data, "variables"), cel.Type.DYN),
        extensions=[ext_strings.ExtStrings()],
    )
    variables: dict[str, Any] = {}

    def evaluate(expression: str) -> Any:
        result = environment.compile(expression).eval(data={**data, "variables": variables})
        assert result.type() != cel.Type.ERROR, (expression, result)
        return result.plain_value()

    if not all(evaluate(condition["expression"]) for condition in policy.get("matchConditions", [])):
        return ""

    for variable in policy.get("variables", []):
        variables[variable["name"]] = evaluate(variable["expression"])

    for validation in policy["validations"]:
        allowed = evaluate(validation["expression"])
        assert isinstance(allowed, bool)
        if not allowed:
            return str(validation.get("message") or evaluate(validation["messageExpression"]))
    return ""
