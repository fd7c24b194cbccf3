"""Time, as a property: whatever fails, nothing outlives its end by more than what is said here, and nothing
is made again after it.

The hub is a small model, made after what a real Argo CD 3.3.9 and a real Hive did (recorded/README.md).
Self-heal makes again what is missing. Auto-sync tries once for each commit since the last sync, also for one
that changes other files: when an object is deleted, Argo CD compares at the revision that it synced last, and
manifest-generate-paths leaves nothing out. The API server refuses to make a cluster after its end (feature
cluster-register). Hive: delete-after counts from the object's creation (openshift/hive,
clusterdeployment_controller.go); HyperShift has nothing like it. What is decided is decided by the real code:
the end and the backstop come from the generated objects, whether Argo CD heals comes from the generated
Application, the refusal from the policy of the catalog, the deletion from `registration.decide`.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from admission import refusal
from conftest import ROOT
from frozen import lay_out
from okd_gitops.fleet.provider_apis import HIVE, HYPERSHIFT, ProviderApi
from okd_gitops.fleet.providers import Hive, HyperShift
from okd_gitops.generate.generate import generate
from okd_gitops.generate.providers.hive import openstack_objects
from okd_gitops.generate.providers.hypershift import hypershift_objects
from okd_gitops.generate.providers.provision import Provision
from okd_gitops.lifecycle.new_cluster import last_day_of
from okd_gitops.lifecycle.registration import decide, made_clusters
from okd_gitops.times import end_of_day, time_text
from provided import FLEET, GUEST, TRIAL

DAY = timedelta(days=1)
STEP = timedelta(hours=1)
START = datetime(2026, 11, 29, tzinfo=UTC)
POLICY: dict[str, Any] = yaml.safe_load(
    (ROOT / "generator/okd_gitops/catalog/features/cluster-register/hub")
    .joinpath("validatingadmissionpolicy-okd-ephemeral-end.yaml")
    .read_text()
)["spec"]
IMAGE = f"registry.example.org/release@sha256:{'4' * 64}"


def generated_application(root: Path, cluster: str) -> dict[str, Any]:
    """Return the Application that makes a cluster, as it is generated."""
    lay_out(root)
    (root / "fleet.yaml").write_text((root / "fleet.yaml").read_text() + FLEET)
    (root / "clusters/trial.yaml").write_text(cluster)
    generate(root)
    value: dict[str, Any] = yaml.safe_load((root / "argocd/trial/provider-application.yaml").read_text())
    return value


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return generated_application(tmp_path_factory.mktemp("fleet"), TRIAL)


@pytest.fixture(scope="module")
def hosting(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return generated_application(tmp_path_factory.mktemp("hosting"), GUEST)


def settings(longest: str) -> Hive:
    return Hive.model_validate(
        {
            "baseDomain": "fake.example.org",
            "longest": longest,
            "cloud": "moc",
            "externalNetwork": "external",
            "controlPlane": {"flavor": "m"},
            "workers": {"flavor": "m"},
            "credentials": {"store": "vault", "path": "okd"},
        }
    )


def hypershift_settings(longest: str) -> HyperShift:
    return HyperShift.model_validate(
        {
            "baseDomain": "fake.example.org",
            "longest": longest,
            "nodeAddress": "10.0.0.5",
            "credentials": {"store": "vault", "path": "okd"},
        }
    )


@dataclass
class Model:
    """The hub and git, step by step.

    `alive` has the times at which a cluster was there, `made` those at which it was made.
    """

    application: dict[str, Any]
    last_day: date
    longest: str
    merged: datetime
    # When each job runs next, and how long between; None: it never runs.
    expire_every: timedelta | None
    register_every: timedelta | None
    # How wrong the clock of the jobs is.
    skew: timedelta
    # When somebody commits something else.
    commits: frozenset[datetime]
    # What the API server asks before it makes a cluster.
    policy: dict[str, Any]
    api: ProviderApi = HIVE
    in_git: bool = False
    # Whether there is a commit since the last sync.
    has_news: bool = True
    deployment: dict[str, Any] | None = None
    made: list[datetime] = field(default_factory=list)
    alive: list[datetime] = field(default_factory=list)

    def run(self, until: datetime) -> None:
        now = START
        while now <= until:
            self.step(now)
            now += STEP

    def step(self, now: datetime) -> None:
        if now == self.merged:
            self.in_git = True

        self._expire_in_git(now)
        self._sync(now)
        self._hive(now)
        self._register(now)

        if self.deployment:
            self.alive.append(now)

    def _expire_in_git(self, now: datetime) -> None:
        if self.in_git and _runs(self.expire_every, now) and end_of_day(self.last_day) <= now + self.skew:
            self.in_git = False

    def _sync(self, now: datetime) -> None:
        """Do what the Application is set to: sync a commit, heal what is missing, delete what left git."""
        if not self.in_git:
            self.deployment = None
            return

        heals = self.application["spec"]["syncPolicy"]["automated"]["selfHeal"]
        self.has_news |= now in self.commits

        if self.deployment is None and (self.has_news or heals):
            self.has_news = False
            wanted = self._generated(now)

            if not refusal(self.policy, object=wanted):
                self.made.append(now)
                self.deployment = wanted

    def _generated(self, now: datetime) -> dict[str, Any]:
        end = time_text(end_of_day(self.last_day))
        provision = Provision(name="trial", image=IMAGE, end=end, project="trial")
        if self.api is HIVE:
            objects = openstack_objects(provision, settings(self.longest))
        else:
            objects = hypershift_objects(provision, hypershift_settings(self.longest))
        (deployment,) = [value for value in objects if value["kind"] == self.api.kind]
        metadata = {**deployment["metadata"], "creationTimestamp": time_text(now), "uid": "u"}
        return {**deployment, "metadata": metadata}

    def _hive(self, now: datetime) -> None:
        if self.deployment is None or self.api is not HIVE:
            return

        text = self.deployment["metadata"]["annotations"]["hive.openshift.io/delete-after"]
        # time.ParseDuration knows h, m and s, and no d.
        assert text.endswith("h")
        if now > self.made[-1] + timedelta(hours=int(text[:-1])):
            self.deployment = None

    def _register(self, now: datetime) -> None:
        if self.deployment and _runs(self.register_every, now):
            decided = decide(made_clusters(self.api, [self.deployment]), [], now=now + self.skew)
            if decided.delete:
                self.deployment = None


def _runs(every: timedelta | None, now: datetime) -> bool:
    return every is not None and (now - START) % every < STEP


EVERY = st.sampled_from([STEP, timedelta(hours=6), DAY])
SKEWS = st.integers(-30, 30).map(lambda minutes: timedelta(minutes=minutes))
MERGES = st.integers(0, 3 * 24).map(lambda steps: START + steps * STEP)
COMMITS = st.frozensets(MERGES, max_size=3)
LONGEST = st.sampled_from(["6h", "1d", "2d", "60h"])


@given(
    days=st.integers(0, 2),
    longest=LONGEST,
    merged=MERGES,
    expire=EVERY,
    register=EVERY,
    broken=st.sampled_from(["", "expire", "register"]),
    skew=SKEWS,
    commits=COMMITS,
)
def test_nothing_outlives_its_end(
    days: int,
    longest: str,
    merged: datetime,
    expire: timedelta,
    register: timedelta,
    broken: str,
    skew: timedelta,
    commits: frozenset[datetime],
    application: dict[str, Any],
) -> None:
    """One of the two jobs may be dead: the other one ends the cluster within its own period and the error of
    its clock. A file that is merged after its end makes none.
    """
    last_day = (START + days * DAY).date()
    model = Model(
        application=application,
        last_day=last_day,
        longest=longest,
        merged=merged,
        expire_every=None if broken == "expire" else expire,
        register_every=None if broken == "register" else register,
        skew=skew,
        commits=commits,
        policy=POLICY,
    )
    model.run(START + 7 * DAY)

    working = [every for name, every in (("expire", expire), ("register", register)) if name != broken]
    end = end_of_day(last_day)
    assert all(moment <= end + min(working) + abs(skew) + STEP for moment in model.alive)
    assert all(moment < end for moment in model.made)


@given(
    days=st.integers(0, 2),
    merged=MERGES,
    expire=EVERY,
    register=EVERY,
    broken=st.sampled_from(["", "expire", "register"]),
    skew=SKEWS,
    commits=COMMITS,
)
def test_nothing_of_hypershift_outlives_its_end(
    days: int,
    merged: datetime,
    expire: timedelta,
    register: timedelta,
    broken: str,
    skew: timedelta,
    commits: frozenset[datetime],
    hosting: dict[str, Any],
) -> None:
    """It has two ends and no third one: either of the two jobs is enough."""
    last_day = (START + days * DAY).date()
    model = Model(
        application=hosting,
        last_day=last_day,
        longest="7d",
        merged=merged,
        expire_every=None if broken == "expire" else expire,
        register_every=None if broken == "register" else register,
        skew=skew,
        commits=commits,
        policy=POLICY,
        api=HYPERSHIFT,
    )
    model.run(START + 7 * DAY)

    working = [every for name, every in (("expire", expire), ("register", register)) if name != broken]
    end = end_of_day(last_day)
    assert all(moment <= end + min(working) + abs(skew) + STEP for moment in model.alive)
    assert all(moment < end for moment in model.made)


@given(days=st.integers(0, 2), longest=LONGEST, merged=MERGES, commits=COMMITS)
def test_with_both_jobs_dead_hive_ends_it_and_nobody_makes_it_after_its_end(
    days: int, longest: str, merged: datetime, commits: frozenset[datetime], application: dict[str, Any]
) -> None:
    """The file stays in git for ever, and other files are committed: the cluster is gone all the same."""
    model = Model(
        application=application,
        last_day=(START + days * DAY).date(),
        longest=longest,
        merged=merged,
        expire_every=None,
        register_every=None,
        skew=timedelta(),
        commits=commits,
        policy=POLICY,
    )
    model.run(START + 7 * DAY)
    hours = settings(longest).delete_after_hours
    end = end_of_day(model.last_day)
    assert all(moment < end for moment in model.made)
    assert bool(model.made) == (merged < end)
    longest_life = timedelta(hours=hours)
    assert all(moment <= model.made[-1] + longest_life + STEP for moment in model.alive)


@given(hours=st.integers(1, 366 * 24), minutes=st.integers(0, 24 * 60 - 1))
def test_the_backstop_never_comes_before_the_end_that_was_asked_for(hours: int, minutes: int) -> None:
    """Nor later than a day after the longest life, whatever the hour at which somebody asks."""
    now = START + timedelta(minutes=minutes)
    text = f"{hours // 24}d" if hours % 24 == 0 else f"{hours}h"
    backstop = timedelta(hours=settings(text).delete_after_hours)
    end = end_of_day(last_day_of(text, now))
    assert end <= now + backstop <= end + DAY
