"""The rule empty-generator: findings.yaml states and explains it."""

from collections.abc import Iterator

from okd_gitops.check.rule import Fault, Repository
from okd_gitops.manifests.objects import ObjectId


def check_repository(repository: Repository) -> Iterator[Fault]:
    """Look at what the Git generators of ApplicationSets look for in this repository."""
    for one in repository.sets:
        for nothing in one.expansion.nothing:
            yield Fault(
                reason=f'its generator looks for "{nothing.pattern}", and nothing in this repository fits',
                remedy="correct the pattern, or remove the generator",
                object=ObjectId.of(one.value),
                path=nothing.where,
                clusters=repository.declared_in(one.value),
            )
