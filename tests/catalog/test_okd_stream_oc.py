"""The stand-in for oc answers as the real one did.

recorded_oc.json was written on 2026-11-28 with oc built from openshift/oc at 6b8e30c5b39a (2026-04-22); with
OKD_STREAM_OC, the path of a real oc, that one is compared with it.
"""

import copy
import json
import os
from pathlib import Path

import oc_answers
import stream_world
from rendered import objects
from stream_world import CLUSTER

RECORDED = Path(__file__).parent / "recorded_oc.json"


def test_the_stand_in_for_oc_answers_as_a_real_one(tmp_path: Path, short: Path) -> None:
    with stream_world.serving(tmp_path / "hub", short, copy.deepcopy(objects("okd", CLUSTER))) as hub:
        real = os.environ.get("OKD_STREAM_OC")
        oc = oc_answers.real(hub, real) if real else lambda *arguments: hub.oc([*arguments], "", "")
        assert oc_answers.answers(hub, oc) == json.loads(RECORDED.read_text())
