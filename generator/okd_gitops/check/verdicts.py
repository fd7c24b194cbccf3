"""Verdicts of kubeconform, kept between runs: a document that was valid is not judged again."""

from collections.abc import Mapping
from pathlib import Path

from okd_gitops.check.build import WORKERS
from okd_gitops.check.kubeconform import Verdict, recorded_schemas, validate
from okd_gitops.manifests.objects import ObjectId
from okd_gitops.system.kept import Keys, kept_folder, key_of
from okd_gitops.system.tools import hash_of, tool


def verdicts_on(documents: Mapping[bytes, ObjectId], cache: Path, kubernetes: str) -> list[Verdict]:
    """Return a verdict for each document (bytes to identity) that is not valid under a Kubernetes minor.

    Only what was valid is kept, by the document, its schemas and the validator. Raises ToolError when a tool
    or the schemas in `cache` are missing, or kubeconform has not judged every document.
    """
    schemas, binary = cache / "schemas", tool(cache, "kubeconform")
    folder = kept_folder(cache)

    if folder is None:
        return validate(documents, schemas, binary, kubernetes=kubernetes, workers=WORKERS)

    valid = Keys(folder / "valid")
    judge = (hash_of(binary), kubernetes)
    keys = {
        data: key_of(*(text.encode() for text in (*judge, *hashes)), data)
        for data, hashes in recorded_schemas(documents, schemas, kubernetes).items()
    }
    new = {data: identity for data, identity in documents.items() if keys[data] not in valid}
    verdicts = validate(new, schemas, binary, kubernetes=kubernetes, workers=WORKERS) if new else []
    refused = {verdict.document for verdict in verdicts}
    valid.add(keys[data] for data in new if data not in refused)

    return verdicts
